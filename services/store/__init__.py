"""The database: tables by topic, one session factory, migrations."""
