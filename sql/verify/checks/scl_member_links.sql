select item, examined, expected, observed, examples
from service_links
where source = 'scl'
order by item;
