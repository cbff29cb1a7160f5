"""Tables: files of typed columns (Parquet, ORC, Avro, Arrow, Excel) through Arrow into chunks."""
