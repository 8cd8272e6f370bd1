select item, examined, expected, observed, examples
from service_links
where source = 'teetime'
order by item;
