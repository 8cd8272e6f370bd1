select 1 as id order by id;
