"""A deleted list or group is a reason of its own."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('infra_notifications', '0014_quick_search'),
    ]

    operations = [
        migrations.AlterField(
            model_name='notice',
            name='reason',
            field=models.CharField(blank=True, choices=[('', '–'), ('hold_off', 'On hold-off: it must last before it is told'), ('gathered', 'Gathered: waits for the group’s next mail'), ('no_address', 'The group has no address'), ('case_not_selected', 'The group does not listen to this case'), ('maintenance', 'Maintenance: nothing is mailed until it ends'), ('flapping', 'Flapping: it opens again and again, which one mail a day tells'), ('digest', 'For the group’s daily digest'), ('too_old', 'Too old: it happened long before it was reported'), ('recovered', 'Over before the hold-off had passed'), ('told_together', 'Told in the alert itself: it was over by then'), ('no_recovery', 'The group wants no all-clear'), ('momentary', 'A momentary event has no all-clear'), ('left_group', 'The charge point left the group, or the group was deleted')], default='', max_length=20, verbose_name='reason'),
        ),
    ]
