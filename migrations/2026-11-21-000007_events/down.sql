DROP TABLE event_floors;
DROP TABLE epochs;
DROP TABLE events;
