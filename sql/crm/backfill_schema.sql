create schema if not exists backfill;
