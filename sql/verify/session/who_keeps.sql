select
    to_regclass('backfill.kept') is not null as has_load,
    exists (
        select
        from pg_catalog.pg_attribute
        where attrelid = to_regclass('"CustomerProfile"') and attname = 'updatedBy' and not attisdropped
    ) as has_people;
