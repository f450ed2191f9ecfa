"""Banners, troubles of Signalbox itself, the log's mark, mails sent once more; and who may do what with them."""

import django.db.models.deletion
from django.db import migrations, models

from core.roles import ADMINISTRATOR, VIEWER, grant


def roles(apps, schema_editor):
    grant(apps, "outbox", {VIEWER: ["view_banner", "view_trouble"], ADMINISTRATOR: ["erase_address"]})



class Migration(migrations.Migration):

    dependencies = [
        ('outbox', '0003_webhooks'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='address',
            options={'permissions': (('erase_address', 'Can erase an address everywhere'),), 'verbose_name': 'address', 'verbose_name_plural': 'addresses'},
        ),
        migrations.AddField(
            model_name='delivery',
            name='copy',
            field=models.PositiveSmallIntegerField(db_default=0, editable=False),
        ),
        migrations.CreateModel(
            name='Banner',
            fields=[
                ('delivery', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, primary_key=True, related_name='banner', serialize=False, to='outbox.delivery')),
                ('audience', models.CharField(max_length=320, verbose_name='audience')),
                ('kind', models.CharField(max_length=80, verbose_name='kind')),
                ('subject', models.CharField(max_length=120, verbose_name='subject')),
                ('state', models.CharField(choices=[('open', 'Shown'), ('dismissed', 'Dismissed'), ('resolved', 'Resolved'), ('expired', 'Expired')], default='open', max_length=10, verbose_name='state')),
                ('shown_at', models.DateTimeField(verbose_name='available')),
                ('read_at', models.DateTimeField(null=True, verbose_name='read')),
                ('expires_at', models.DateTimeField(null=True, verbose_name='expires')),
                ('ended_at', models.DateTimeField(null=True, verbose_name='ended')),
            ],
            options={
                'verbose_name': 'banner',
                'verbose_name_plural': 'banners',
                'ordering': ('-delivery',),
                'indexes': [models.Index(fields=['audience', '-delivery'], name='outbox_banner_audience'), models.Index(condition=models.Q(('state', 'open')), fields=['audience', '-delivery'], name='outbox_banner_open'), models.Index(condition=models.Q(('state', 'open')), fields=['subject', 'kind'], name='outbox_banner_subject'), models.Index(condition=models.Q(('expires_at__isnull', False), ('state', 'open')), fields=['expires_at'], name='outbox_banner_expiry')],
            },
        ),
        migrations.CreateModel(
            name='LogMark',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('pruned_to', models.BigIntegerField(default=0)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='outbox_logmark_one')],
            },
        ),
        migrations.CreateModel(
            name='Trouble',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=60, verbose_name='what')),
                ('text', models.CharField(max_length=500, verbose_name='what was found')),
                ('began_at', models.DateTimeField(verbose_name='since')),
                ('ended_at', models.DateTimeField(null=True, verbose_name='over')),
                ('told_at', models.DateTimeField(null=True, verbose_name='mailed')),
                ('end_told_at', models.DateTimeField(null=True, verbose_name='end mailed')),
                ('held_until', models.DateTimeField(editable=False, null=True)),
            ],
            options={
                'verbose_name': 'trouble',
                'verbose_name_plural': 'troubles',
                'ordering': ('-id',),
                'indexes': [models.Index(condition=models.Q(('end_told_at__isnull', True), ('ended_at__isnull', False), ('told_at__isnull', False)), fields=['id'], name='outbox_trouble_end_untold')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('name',), name='outbox_trouble_open')],
            },
        ),
        migrations.RunPython(roles, migrations.RunPython.noop),
    ]
