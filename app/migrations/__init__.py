"""The schema of a log's database, from the first landed one to that of this program.

New SQLite files are made from the models; every other database is led here step by step.
``tests/contracts/test_migrations.py`` holds the two equal.
"""
