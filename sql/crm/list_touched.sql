insert into load_touched
select u.table_name, u.id
from load_update u
where u.table_name = $1
union
select i.table_name, i.id
from load_insert i
where i.table_name = $1
union
select 'CustomerProfile', l.id
from load_standing l
where $1 = 'CustomerProfile';
