# Counts the keys of the server.
real INFO keyspace | keyspace | lasting
