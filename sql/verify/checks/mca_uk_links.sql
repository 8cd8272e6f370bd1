select item, examined, expected, observed, examples
from service_links
where source = 'mca_uk'
order by item;
