select table_name
from load_held
union
select table_name
from load_kept;
