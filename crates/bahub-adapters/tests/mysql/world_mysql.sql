USE world;
CREATE TABLE functional (a INT, j JSON, KEY ((a + 1)), KEY multi ((CAST(j -> '$[*]' AS UNSIGNED ARRAY))), KEY hidden (a) INVISIBLE, KEY down (a DESC));
INSERT INTO functional VALUES (1, '[1, 2, 3]'), (2, '[4]');
CREATE TABLE vectors (id INT PRIMARY KEY, v VECTOR(3));
INSERT INTO vectors VALUES (1, STRING_TO_VECTOR('[1,2,3]'));
CREATE TABLE srid (id INT PRIMARY KEY, g POINT NOT NULL SRID 4326, SPATIAL KEY (g));
INSERT INTO srid VALUES (1, ST_GeomFromText('POINT(52 13)', 4326));
CREATE TABLE defaults (id INT PRIMARY KEY, u CHAR(36) DEFAULT (UUID()), e INT DEFAULT (1 + 1));
INSERT INTO defaults (id) VALUES (1);
