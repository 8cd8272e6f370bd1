select item, examined, expected, observed, examples
from service_links
where source = 'messaging'
order by item;
