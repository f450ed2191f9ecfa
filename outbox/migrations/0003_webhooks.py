"""Listeners to events, webhook endpoints with their secrets, and who may do what with them."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from core.roles import ADMINISTRATOR, OPERATOR, VIEWER, grant


def roles(apps, schema_editor):
    grant(
        apps,
        "outbox",
        {
            VIEWER: ["view_webhookendpoint"],
            OPERATOR: ["operate_webhookendpoint"],
            ADMINISTRATOR: ["add_webhookendpoint", "change_webhookendpoint", "delete_webhookendpoint"],
        },
    )


class Migration(migrations.Migration):

    dependencies = [
        ('outbox', '0002_roles'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ListenerStamp',
            fields=[
                ('source', models.CharField(max_length=40, primary_key=True, serialize=False)),
                ('stamp', models.UUIDField()),
            ],
        ),
        migrations.CreateModel(
            name='WebhookEndpoint',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('url', models.CharField(max_length=2000, verbose_name='URL')),
                ('description', models.CharField(blank=True, default='', max_length=200, verbose_name='description')),
                ('topics', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=80), size=None, verbose_name='topics')),
                ('condition', models.TextField(blank=True, default='', verbose_name='condition')),
                ('headers', models.JSONField(blank=True, default=dict, verbose_name='own headers')),
                ('contact', models.EmailField(blank=True, default='', max_length=254, verbose_name='contact')),
                ('state', models.CharField(choices=[('enabled', 'Enabled'), ('paused', 'Paused'), ('disabled', 'Disabled')], default='enabled', max_length=10, verbose_name='state')),
                ('reason', models.CharField(blank=True, choices=[('', '–'), ('accepted', 'The receiver accepted it'), ('connection', 'The server could not be reached'), ('timeout', 'The server did not answer in time'), ('broken_off', 'The server closed the connection in the middle'), ('tls', 'The encrypted connection could not be made'), ('login', 'The server refused the login'), ('sender_refused', 'The server refused our sender address'), ('temporary', 'The server refused it for now'), ('address_refused', 'The server refused this address'), ('content_refused', 'The server refused the message'), ('address_invalid', 'The address is not valid'), ('needs_smtputf8', 'The mail server cannot take international addresses'), ('template', 'The message could not be written'), ('expired', 'It could not be sent in time'), ('exhausted', 'All attempts failed'), ('worker_lost', 'The worker ended before it could say what became of it'), ('by_hand', 'A person cancelled it'), ('erased', 'The address was erased'), ('unsubscribed', 'The address unsubscribed'), ('rejected', 'The receiver rejected it'), ('redirect', 'The receiver sent us elsewhere, which is not followed'), ('gone', 'The receiver wants no more of these'), ('forbidden', 'Its address lies in a network that must not be called'), ('failing', 'The endpoint had failed for too long'), ('paused', 'The endpoint is paused'), ('disabled', 'The endpoint is disabled'), ('deleted', 'The endpoint was deleted'), ('condition', 'The condition cannot be read')], default='', max_length=20, verbose_name='reason')),
                ('held_since', models.DateTimeField(null=True, verbose_name='held back since')),
                ('failing_since', models.DateTimeField(null=True, verbose_name='failing since')),
                ('warned_at', models.DateTimeField(editable=False, null=True, verbose_name='owner told')),
                ('created_at', models.DateTimeField(verbose_name='created')),
            ],
            options={
                'verbose_name': 'webhook endpoint',
                'verbose_name_plural': 'webhook endpoints',
                'ordering': ('-id',),
                'permissions': (('operate_webhookendpoint', 'Can pause, resume and test webhook endpoints'),),
            },
        ),
        migrations.CreateModel(
            name='WebhookSecret',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('secret', models.CharField(max_length=100)),
                ('created_at', models.DateTimeField(verbose_name='created')),
                ('expires_at', models.DateTimeField(null=True, verbose_name='expires')),
            ],
            options={
                'ordering': ('-id',),
            },
        ),
        migrations.AlterField(
            model_name='address',
            name='blocked_reason',
            field=models.CharField(blank=True, choices=[('', '–'), ('accepted', 'The receiver accepted it'), ('connection', 'The server could not be reached'), ('timeout', 'The server did not answer in time'), ('broken_off', 'The server closed the connection in the middle'), ('tls', 'The encrypted connection could not be made'), ('login', 'The server refused the login'), ('sender_refused', 'The server refused our sender address'), ('temporary', 'The server refused it for now'), ('address_refused', 'The server refused this address'), ('content_refused', 'The server refused the message'), ('address_invalid', 'The address is not valid'), ('needs_smtputf8', 'The mail server cannot take international addresses'), ('template', 'The message could not be written'), ('expired', 'It could not be sent in time'), ('exhausted', 'All attempts failed'), ('worker_lost', 'The worker ended before it could say what became of it'), ('by_hand', 'A person cancelled it'), ('erased', 'The address was erased'), ('unsubscribed', 'The address unsubscribed'), ('rejected', 'The receiver rejected it'), ('redirect', 'The receiver sent us elsewhere, which is not followed'), ('gone', 'The receiver wants no more of these'), ('forbidden', 'Its address lies in a network that must not be called'), ('failing', 'The endpoint had failed for too long'), ('paused', 'The endpoint is paused'), ('disabled', 'The endpoint is disabled'), ('deleted', 'The endpoint was deleted'), ('condition', 'The condition cannot be read')], default='', max_length=20),
        ),
        migrations.AlterField(
            model_name='attempt',
            name='reason',
            field=models.CharField(blank=True, choices=[('', '–'), ('accepted', 'The receiver accepted it'), ('connection', 'The server could not be reached'), ('timeout', 'The server did not answer in time'), ('broken_off', 'The server closed the connection in the middle'), ('tls', 'The encrypted connection could not be made'), ('login', 'The server refused the login'), ('sender_refused', 'The server refused our sender address'), ('temporary', 'The server refused it for now'), ('address_refused', 'The server refused this address'), ('content_refused', 'The server refused the message'), ('address_invalid', 'The address is not valid'), ('needs_smtputf8', 'The mail server cannot take international addresses'), ('template', 'The message could not be written'), ('expired', 'It could not be sent in time'), ('exhausted', 'All attempts failed'), ('worker_lost', 'The worker ended before it could say what became of it'), ('by_hand', 'A person cancelled it'), ('erased', 'The address was erased'), ('unsubscribed', 'The address unsubscribed'), ('rejected', 'The receiver rejected it'), ('redirect', 'The receiver sent us elsewhere, which is not followed'), ('gone', 'The receiver wants no more of these'), ('forbidden', 'Its address lies in a network that must not be called'), ('failing', 'The endpoint had failed for too long'), ('paused', 'The endpoint is paused'), ('disabled', 'The endpoint is disabled'), ('deleted', 'The endpoint was deleted'), ('condition', 'The condition cannot be read')], default='', max_length=20, verbose_name='reason'),
        ),
        migrations.AlterField(
            model_name='attempt',
            name='verdict',
            field=models.CharField(choices=[('delivered', 'Delivered'), ('retry', 'Refused for now'), ('postponed', 'The server could not be reached'), ('failed', 'Refused for good'), ('released', 'Given back unsent'), ('held_back', 'Held back')], max_length=10, verbose_name='verdict'),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='reason',
            field=models.CharField(blank=True, choices=[('', '–'), ('accepted', 'The receiver accepted it'), ('connection', 'The server could not be reached'), ('timeout', 'The server did not answer in time'), ('broken_off', 'The server closed the connection in the middle'), ('tls', 'The encrypted connection could not be made'), ('login', 'The server refused the login'), ('sender_refused', 'The server refused our sender address'), ('temporary', 'The server refused it for now'), ('address_refused', 'The server refused this address'), ('content_refused', 'The server refused the message'), ('address_invalid', 'The address is not valid'), ('needs_smtputf8', 'The mail server cannot take international addresses'), ('template', 'The message could not be written'), ('expired', 'It could not be sent in time'), ('exhausted', 'All attempts failed'), ('worker_lost', 'The worker ended before it could say what became of it'), ('by_hand', 'A person cancelled it'), ('erased', 'The address was erased'), ('unsubscribed', 'The address unsubscribed'), ('rejected', 'The receiver rejected it'), ('redirect', 'The receiver sent us elsewhere, which is not followed'), ('gone', 'The receiver wants no more of these'), ('forbidden', 'Its address lies in a network that must not be called'), ('failing', 'The endpoint had failed for too long'), ('paused', 'The endpoint is paused'), ('disabled', 'The endpoint is disabled'), ('deleted', 'The endpoint was deleted'), ('condition', 'The condition cannot be read')], default='', max_length=20, verbose_name='reason'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('channel', 'webhook'), ('state__in', ('pending', 'retrying'))), fields=['destination', 'next_attempt_at'], name='outbox_delivery_webhook'),
        ),
        migrations.AddField(
            model_name='webhookendpoint',
            name='owner',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='owner'),
        ),
        migrations.AddField(
            model_name='webhooksecret',
            name='endpoint',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='secrets', to='outbox.webhookendpoint'),
        ),
        migrations.AddIndex(
            model_name='webhookendpoint',
            index=models.Index(condition=models.Q(('failing_since__isnull', False)), fields=['failing_since'], name='outbox_endpoint_failing'),
        ),
        migrations.AddConstraint(
            model_name='webhooksecret',
            constraint=models.UniqueConstraint(condition=models.Q(('expires_at__isnull', True)), fields=('endpoint',), name='outbox_secret_current'),
        ),
        migrations.RunPython(roles, migrations.RunPython.noop),
    ]
