package riverwait

// TableSettings is a statement for PostgreSQL that keeps River's table small. Execute it once,
// after River's migrations; if they are in a schema of your own, put that into the search_path. It
// concerns all River jobs in the table.
//
// Each poll writes its River job's row three times, and PostgreSQL keeps the old versions until it
// vacuums. With these settings it leaves room for new versions beside the old ones, vacuums after
// hundreds of dead rows instead of a fifth of the table, and does so without pauses.
const TableSettings = `ALTER TABLE river_job SET (fillfactor = 50,
autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0)`
