# Counts the rows of every table of the database $1. Virtual tables need modules that sqlite3 may not have: what they store
# is in tables that are counted.
[ -f "$file" ] || fail "there is no database $1"
counts=$(sql "$file" <<'END'
SELECT 'SELECT count(*) || '' '' || ' || quote(replace(replace(name, char(10), ' '), char(13), ' ')) ||
    ' FROM "' || replace(name, '"', '""') || '";'
FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name;
END
) || exit 1
printf 'BEGIN;\n%s\nCOMMIT;\n' "$counts" | sql "$file"
