-- What both families know.
CREATE DATABASE other CHARACTER SET utf8mb4;
CREATE TABLE other.o (id INT PRIMARY KEY);
INSERT INTO other.o VALUES (1), (2);
CREATE DATABASE world CHARACTER SET utf8mb4;
USE world;
CREATE TABLE `select` (`from` INT PRIMARY KEY, `order` VARCHAR(20) INVISIBLE DEFAULT 'x', `key` TEXT);
INSERT INTO `select` (`from`, `order`, `key`) VALUES (1, 'kept', 'a\nb'), (2, DEFAULT, NULL);
CREATE TABLE parent (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(50), UNIQUE KEY (name));
CREATE TABLE a_child (id INT PRIMARY KEY, p INT, q INT, FOREIGN KEY (p) REFERENCES parent (id) ON DELETE CASCADE,
    FOREIGN KEY (q) REFERENCES other.o (id), CONSTRAINT positive CHECK (id > 0));
INSERT INTO parent (name) VALUES ('one'), ('two');
INSERT INTO a_child VALUES (1, 1, 1), (2, 2, 2);
CREATE TABLE `generated` (a INT, b INT GENERATED ALWAYS AS (a * 2) VIRTUAL, c INT GENERATED ALWAYS AS (a + 1) STORED, KEY (b));
INSERT INTO `generated` (a) VALUES (1), (2), (3);
SET SESSION sql_mode = '';
CREATE TABLE zero (d DATE, t DATETIME, ts TIMESTAMP NULL);
INSERT INTO zero VALUES ('0000-00-00', '0000-00-00 00:00:00', '1970-01-02 00:00:00');
SET SESSION sql_mode = DEFAULT;
CREATE TABLE big (id INT PRIMARY KEY, v LONGBLOB, f DOUBLE, n DECIMAL(65, 30), bits BIT(17));
INSERT INTO big VALUES (1, REPEAT(UNHEX('00FF27225C0A'), 20000), 1e-300, 12345678901234567890.123456789, b'10000000000000001');
CREATE TABLE parts (id INT, y INT) PARTITION BY RANGE (y) (PARTITION p0 VALUES LESS THAN (2000), PARTITION p1 VALUES LESS THAN MAXVALUE);
INSERT INTO parts VALUES (1, 1999), (2, 2026);
CREATE TABLE geo (id INT PRIMARY KEY, g GEOMETRY NOT NULL, j JSON, SPATIAL KEY (g));
INSERT INTO geo VALUES (1, ST_GeomFromText('POINT(1 2)'), '{"a": [1, 2, 3]}');
CREATE TABLE log (id INT PRIMARY KEY AUTO_INCREMENT, what TEXT);
CREATE TABLE latin (t VARCHAR(20)) CHARACTER SET latin1;
INSERT INTO latin VALUES ('grün');
CREATE FUNCTION doubled(v INT) RETURNS INT DETERMINISTIC RETURN v * 2;
CREATE VIEW plain AS SELECT id, name, doubled(id) AS twice FROM parent;
CREATE VIEW a_view_first AS SELECT * FROM plain WHERE id > 0 WITH CHECK OPTION;
CREATE VIEW across AS SELECT p.id, o.id AS o FROM parent AS p JOIN other.o AS o ON o.id = p.id;
CREATE VIEW over_across AS SELECT id, '`world`.' AS text FROM across;
CREATE TABLE world (id INT PRIMARY KEY, d DATE, t VARCHAR(20));
INSERT INTO world VALUES (1, '2026-01-02', 'abc');
CREATE FUNCTION world(v INT) RETURNS INT DETERMINISTIC RETURN v;
CREATE VIEW namesake AS SELECT world.id, world(world.id) AS w, world.world(id) AS x, EXTRACT(YEAR FROM world.d) AS y, TRIM(BOTH 'a' FROM world.t) AS t,
    TRIM(LEADING CONCAT('a', UPPER(world.t)) FROM world.t) AS u FROM world;
CREATE VIEW alias AS SELECT world.id, EXTRACT(YEAR FROM world.name) AS y, TRIM(LEADING CONCAT('a', world.name) FROM world.name) AS t, w.id AS w
    FROM world AS w JOIN (world.parent AS world, other.o AS o) ON o.id = world.id WHERE EXISTS (SELECT 1 FROM world.parent WHERE parent.id = world.id);
CREATE VIEW other.backward AS SELECT id, world.doubled(id) AS d FROM world.plain WHERE id > 0;
CREATE VIEW other.checked AS SELECT id FROM world.world WHERE id > 0 WITH CHECK OPTION;
CREATE TRIGGER world.qualified BEFORE INSERT
    ON world.parent FOR EACH ROW SET NEW.name = CONCAT('', NEW.name);
CREATE TRIGGER second AFTER INSERT ON parent FOR EACH ROW INSERT INTO log (what) VALUES (CONCAT('ü', NEW.name));
CREATE TRIGGER bound AFTER DELETE ON parent FOR EACH ROW INSERT INTO world.log (what) VALUES ('from anywhere');
CREATE DEFINER = gone@nowhere PROCEDURE definer_is_gone() SELECT 1;
CREATE PROCEDURE bound() SELECT COUNT(*) FROM world.parent;
CREATE PROCEDURE bound_without_a_space(v INT) SELECT id INTO@x FROM`world`.parent LIMIT 1;
CREATE PROCEDURE bound_with_a_comment() SELECT COUNT(*) FROM world/* the
original's */. # its
parent;
SET SESSION sql_mode = 'ANSI_QUOTES';
CREATE PROCEDURE bound_in_quotes() SELECT COUNT(*) FROM "world"."parent";
SET SESSION sql_mode = DEFAULT;
DELIMITER ;;
CREATE PROCEDURE `lines`()
BEGIN
/*
-- in database
USE `world`;
-- Dump completed
*/
-- in a copy: not a statement
-- in a copy : nor this
SELECT
1 AS
ENABLE -- of an event
; -- the last comment
END;;
CREATE EVENT each_day ON SCHEDULE EVERY '1:30' HOUR_MINUTE STARTS '2030-01-01 00:00:00' ON COMPLETION PRESERVE ENABLE COMMENT 'it''s' DO
BEGIN
  DELETE FROM log WHERE id < 0; # done
END;;
DELIMITER ;
SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES';
CREATE EVENT backslash ON SCHEDULE AT '2037-01-01 00:00:00' DISABLE COMMENT 'it''s a \' DO DELETE FROM log WHERE what = '\';
SET SESSION sql_mode = DEFAULT;
CREATE EVENT disabled ON SCHEDULE AT '2037-01-01 00:00:00' DISABLE DO DELETE FROM log;
