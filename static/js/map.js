// The map: drag to move, wheel, buttons or + and − to zoom, arrows to move; boxes show and hide what is drawn.
"use strict";
(() => {
  const map = document.querySelector("svg[data-map]");
  if (!map) return;
  const [, , width, height] = map.getAttribute("viewBox").split(" ").map(Number);
  const view = { x: 0, y: 0, scale: 1 };
  const MOST = 60;

  const show = () => {
    const w = width / view.scale;
    const h = height / view.scale;
    // Half of the picture may leave the frame, no more.
    view.x = Math.min(Math.max(view.x, -w / 2), width - w / 2);
    view.y = Math.min(Math.max(view.y, -h / 2), height - h / 2);
    map.setAttribute("viewBox", `${view.x} ${view.y} ${w} ${h}`);
  };

  // Zooms so that a point of the picture stays where it is on the screen.
  const zoom = (factor, x = view.x + width / view.scale / 2, y = view.y + height / view.scale / 2) => {
    const scale = Math.min(Math.max(view.scale * factor, 1), MOST);
    const ratio = view.scale / scale;
    view.x = x - (x - view.x) * ratio;
    view.y = y - (y - view.y) * ratio;
    view.scale = scale;
    show();
  };
  const all = () => {
    Object.assign(view, { x: 0, y: 0, scale: 1 });
    show();
  };
  const pointOf = (event) => new DOMPoint(event.clientX, event.clientY).matrixTransform(map.getScreenCTM().inverse());

  map.addEventListener(
    "wheel",
    (event) => {
      // Without Ctrl the wheel scrolls the page, as everywhere; a pinch on a touch pad comes with Ctrl.
      if (!event.ctrlKey && !event.metaKey && document.activeElement !== map) return;
      event.preventDefault();
      const at = pointOf(event);
      zoom(event.deltaY < 0 ? 1.25 : 0.8, at.x, at.y);
    },
    { passive: false },
  );

  // One finger or the mouse moves, two fingers zoom.
  const fingers = new Map();
  let moved = 0;
  let spread = 0;
  const distance = () => {
    const [a, b] = [...fingers.values()];
    return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
  };
  map.addEventListener("pointerdown", (event) => {
    fingers.set(event.pointerId, event);
    moved = 0;
    if (fingers.size === 2) spread = distance();
  });
  map.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    fingers.set(event.pointerId, event);
    moved += Math.abs(event.clientX - before.clientX) + Math.abs(event.clientY - before.clientY);
    if (fingers.size === 2) {
      const now = distance();
      const at = pointOf(event);
      if (spread > 0) zoom(now / spread, at.x, at.y);
      spread = now;
    } else if (moved > 4) {
      if (!map.hasPointerCapture(event.pointerId)) map.setPointerCapture(event.pointerId);
      const from = pointOf(before);
      const to = pointOf(event);
      view.x -= to.x - from.x;
      view.y -= to.y - from.y;
      map.classList.add("dragging");
      show();
    }
  });
  const release = (event) => {
    fingers.delete(event.pointerId);
    map.classList.remove("dragging");
  };
  map.addEventListener("pointerup", release);
  map.addEventListener("pointercancel", release);
  // A drag that ends on a dot does not open its page, and a dot is not dragged away as a link.
  map.addEventListener("click", (event) => moved > 4 && event.preventDefault(), true);
  map.addEventListener("dragstart", (event) => event.preventDefault());

  map.setAttribute("tabindex", "0");
  map.addEventListener("keydown", (event) => {
    const step = width / view.scale / 8;
    const keys = {
      "+": () => zoom(1.4),
      "=": () => zoom(1.4),
      "-": () => zoom(1 / 1.4),
      0: all,
      ArrowLeft: () => (view.x -= step),
      ArrowRight: () => (view.x += step),
      ArrowUp: () => (view.y -= step),
      ArrowDown: () => (view.y += step),
    };
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
    show();
  });

  const tools = document.querySelector("[data-map-tools]");
  tools.hidden = false;
  tools.addEventListener("click", (event) => {
    const button = event.target.closest("[data-zoom]");
    if (button) ({ in: () => zoom(1.6), out: () => zoom(1 / 1.6), all })[button.dataset.zoom]();
  });
  document.addEventListener("change", (event) => {
    const name = event.target.dataset.toggleLayer;
    if (name) map.querySelector(`[data-layer="${name}"]`).classList.toggle("hidden-layer", !event.target.checked);
  });
})();
