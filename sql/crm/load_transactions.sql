select transaction_id
from backfill.run
where command = 'load';
