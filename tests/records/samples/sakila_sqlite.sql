CREATE TABLE country (country_id SMALLINT NOT NULL PRIMARY KEY, country VARCHAR(50) NOT NULL, last_update TIMESTAMP);
CREATE TABLE city (city_id INT NOT NULL PRIMARY KEY, city VARCHAR(50) NOT NULL, country_id SMALLINT NOT NULL,
  last_update TIMESTAMP NOT NULL, CONSTRAINT fk_city_country FOREIGN KEY (country_id) REFERENCES country (country_id)
  ON DELETE NO ACTION ON UPDATE CASCADE);
CREATE TABLE address (address_id INT NOT NULL PRIMARY KEY, address VARCHAR(50) NOT NULL, address2 VARCHAR(50) DEFAULT NULL,
  district VARCHAR(20) NOT NULL, city_id INT NOT NULL, postal_code VARCHAR(10) DEFAULT NULL, phone VARCHAR(20) NOT NULL,
  last_update TIMESTAMP NOT NULL, FOREIGN KEY (city_id) REFERENCES city (city_id));
CREATE TABLE language (language_id SMALLINT NOT NULL PRIMARY KEY, name CHAR(20) NOT NULL, last_update TIMESTAMP NOT NULL);
CREATE TABLE category (category_id SMALLINT NOT NULL PRIMARY KEY, name VARCHAR(25) NOT NULL, last_update TIMESTAMP NOT NULL);
CREATE TABLE actor (actor_id NUMERIC NOT NULL PRIMARY KEY, first_name VARCHAR(45) NOT NULL, last_name VARCHAR(45) NOT NULL,
  last_update TIMESTAMP NOT NULL);
CREATE TABLE film (film_id INT NOT NULL PRIMARY KEY, title VARCHAR(255) NOT NULL, description BLOB SUB_TYPE TEXT DEFAULT NULL,
  release_year VARCHAR(4) DEFAULT NULL, language_id SMALLINT NOT NULL, original_language_id SMALLINT DEFAULT NULL,
  rental_duration SMALLINT DEFAULT 3 NOT NULL, rental_rate DECIMAL(4, 2) DEFAULT 4.99 NOT NULL,
  length SMALLINT DEFAULT NULL, replacement_cost DECIMAL(5, 2) DEFAULT 19.99 NOT NULL, rating VARCHAR(10) DEFAULT 'G',
  special_features VARCHAR(100) DEFAULT NULL, last_update TIMESTAMP NOT NULL,
  FOREIGN KEY (language_id) REFERENCES language (language_id),
  FOREIGN KEY (original_language_id) REFERENCES language (language_id));
CREATE TABLE film_actor (actor_id INT NOT NULL, film_id INT NOT NULL, last_update TIMESTAMP NOT NULL,
  PRIMARY KEY (actor_id, film_id), FOREIGN KEY (actor_id) REFERENCES actor (actor_id),
  FOREIGN KEY (film_id) REFERENCES film (film_id));
CREATE TABLE film_category (film_id INT NOT NULL, category_id SMALLINT NOT NULL, last_update TIMESTAMP NOT NULL,
  PRIMARY KEY (film_id, category_id), FOREIGN KEY (film_id) REFERENCES film (film_id),
  FOREIGN KEY (category_id) REFERENCES category (category_id));
CREATE TABLE film_text (film_id SMALLINT NOT NULL PRIMARY KEY, title VARCHAR(255) NOT NULL, description BLOB SUB_TYPE TEXT);
CREATE TABLE staff (staff_id SMALLINT NOT NULL PRIMARY KEY, first_name VARCHAR(45) NOT NULL, last_name VARCHAR(45) NOT NULL,
  address_id INT NOT NULL, picture BLOB DEFAULT NULL, email VARCHAR(50) DEFAULT NULL, store_id INT NOT NULL,
  active SMALLINT DEFAULT 1 NOT NULL, username VARCHAR(16) NOT NULL, password VARCHAR(40) DEFAULT NULL,
  last_update TIMESTAMP NOT NULL, FOREIGN KEY (store_id) REFERENCES store (store_id),
  FOREIGN KEY (address_id) REFERENCES address (address_id));
CREATE TABLE store (store_id INT NOT NULL PRIMARY KEY, manager_staff_id SMALLINT NOT NULL, address_id INT NOT NULL,
  last_update TIMESTAMP NOT NULL, FOREIGN KEY (manager_staff_id) REFERENCES staff (staff_id),
  FOREIGN KEY (address_id) REFERENCES address (address_id));
CREATE TABLE customer (customer_id INT NOT NULL PRIMARY KEY, store_id INT NOT NULL, first_name VARCHAR(45) NOT NULL,
  last_name VARCHAR(45) NOT NULL, email VARCHAR(50) DEFAULT NULL, address_id INT NOT NULL, active CHAR(1) DEFAULT 'Y' NOT NULL,
  create_date TIMESTAMP NOT NULL, last_update TIMESTAMP NOT NULL, FOREIGN KEY (store_id) REFERENCES store (store_id),
  FOREIGN KEY (address_id) REFERENCES address (address_id));
CREATE TABLE inventory (inventory_id INT NOT NULL PRIMARY KEY, film_id INT NOT NULL, store_id INT NOT NULL,
  last_update TIMESTAMP NOT NULL, FOREIGN KEY (store_id) REFERENCES store (store_id),
  FOREIGN KEY (film_id) REFERENCES film (film_id));
CREATE TABLE rental (rental_id INT NOT NULL PRIMARY KEY, rental_date TIMESTAMP NOT NULL, inventory_id INT NOT NULL,
  customer_id INT NOT NULL, return_date TIMESTAMP DEFAULT NULL, staff_id SMALLINT NOT NULL, last_update TIMESTAMP NOT NULL,
  FOREIGN KEY (staff_id) REFERENCES staff (staff_id), FOREIGN KEY (inventory_id) REFERENCES inventory (inventory_id),
  FOREIGN KEY (customer_id) REFERENCES customer (customer_id));
CREATE UNIQUE INDEX idx_rental_uq ON rental (rental_date, inventory_id, customer_id);
CREATE TABLE payment (payment_id INT NOT NULL PRIMARY KEY, customer_id INT NOT NULL, staff_id SMALLINT NOT NULL,
  rental_id INT DEFAULT NULL, amount DECIMAL(5, 2) NOT NULL, payment_date TIMESTAMP NOT NULL, last_update TIMESTAMP NOT NULL,
  FOREIGN KEY (rental_id) REFERENCES rental (rental_id) ON DELETE SET NULL ON UPDATE CASCADE,
  FOREIGN KEY (customer_id) REFERENCES customer (customer_id), FOREIGN KEY (staff_id) REFERENCES staff (staff_id));
CREATE VIEW customer_list AS SELECT cu.customer_id AS ID, cu.first_name || ' ' || cu.last_name AS name, a.address AS address,
  a.postal_code AS zip_code, a.phone AS phone, city.city AS city, cu.store_id AS SID
  FROM customer AS cu JOIN address AS a ON cu.address_id = a.address_id JOIN city ON a.city_id = city.city_id;
CREATE TRIGGER actor_trigger_au AFTER UPDATE ON actor BEGIN
  UPDATE actor SET last_update = DATETIME('NOW') WHERE rowid = new.rowid\; END
