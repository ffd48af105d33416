CREATE TABLE "Categories" ("CategoryID" INTEGER NOT NULL PRIMARY KEY, "CategoryName" VARCHAR(15) NOT NULL,
  "Description" TEXT, "Picture" <binary>);
CREATE TABLE "CustomerDemographics" ("CustomerTypeID" CHAR(10) NOT NULL PRIMARY KEY, "CustomerDesc" TEXT);
CREATE TABLE "Customers" ("CustomerID" CHAR(5) NOT NULL PRIMARY KEY, "CompanyName" VARCHAR(40) NOT NULL,
  "ContactName" VARCHAR(30), "ContactTitle" VARCHAR(30), "Address" VARCHAR(60), "City" VARCHAR(15), "Region" VARCHAR(15),
  "PostalCode" VARCHAR(10), "Country" VARCHAR(15), "Phone" VARCHAR(24), "Fax" VARCHAR(24));
CREATE TABLE "CustomerCustomerDemo" ("CustomerID" CHAR(5) NOT NULL, "CustomerTypeID" CHAR(10) NOT NULL,
  PRIMARY KEY ("CustomerID", "CustomerTypeID"), FOREIGN KEY ("CustomerID") REFERENCES "Customers" ("CustomerID"),
  FOREIGN KEY ("CustomerTypeID") REFERENCES "CustomerDemographics" ("CustomerTypeID"));
CREATE TABLE "Employees" ("EmployeeID" INTEGER NOT NULL PRIMARY KEY, "LastName" VARCHAR(20) NOT NULL,
  "FirstName" VARCHAR(10) NOT NULL, "Title" VARCHAR(30), "TitleOfCourtesy" VARCHAR(25), "BirthDate" DATE, "HireDate" DATE,
  "Address" VARCHAR(60), "City" VARCHAR(15), "Region" VARCHAR(15), "PostalCode" VARCHAR(10), "Country" VARCHAR(15),
  "HomePhone" VARCHAR(24), "Extension" VARCHAR(4), "Photo" <binary>, "Notes" TEXT, "ReportsTo" INTEGER,
  "PhotoPath" VARCHAR(255), FOREIGN KEY ("ReportsTo") REFERENCES "Employees" ("EmployeeID"));
CREATE TABLE "Region" ("RegionID" INTEGER NOT NULL PRIMARY KEY, "RegionDescription" CHAR(50) NOT NULL);
CREATE TABLE "Territories" ("TerritoryID" VARCHAR(20) NOT NULL PRIMARY KEY, "TerritoryDescription" CHAR(50) NOT NULL,
  "RegionID" INTEGER NOT NULL, FOREIGN KEY ("RegionID") REFERENCES "Region" ("RegionID"));
CREATE TABLE "EmployeeTerritories" ("EmployeeID" INTEGER NOT NULL, "TerritoryID" VARCHAR(20) NOT NULL,
  PRIMARY KEY ("EmployeeID", "TerritoryID"), FOREIGN KEY ("EmployeeID") REFERENCES "Employees" ("EmployeeID"),
  FOREIGN KEY ("TerritoryID") REFERENCES "Territories" ("TerritoryID"));
CREATE TABLE "Shippers" ("ShipperID" INTEGER NOT NULL PRIMARY KEY, "CompanyName" VARCHAR(40) NOT NULL, "Phone" VARCHAR(24));
CREATE TABLE "Suppliers" ("SupplierID" INTEGER NOT NULL PRIMARY KEY, "CompanyName" VARCHAR(40) NOT NULL,
  "ContactName" VARCHAR(30), "ContactTitle" VARCHAR(30), "Address" VARCHAR(60), "City" VARCHAR(15), "Region" VARCHAR(15),
  "PostalCode" VARCHAR(10), "Country" VARCHAR(15), "Phone" VARCHAR(24), "Fax" VARCHAR(24), "HomePage" TEXT);
CREATE TABLE "Products" ("ProductID" INTEGER NOT NULL PRIMARY KEY, "ProductName" VARCHAR(40) NOT NULL,
  "SupplierID" INTEGER, "CategoryID" INTEGER, "QuantityPerUnit" VARCHAR(20), "UnitPrice" NUMERIC(10, 4) DEFAULT 0,
  "UnitsInStock" SMALLINT DEFAULT 0, "UnitsOnOrder" SMALLINT DEFAULT 0, "ReorderLevel" SMALLINT DEFAULT 0,
  "Discontinued" INTEGER NOT NULL DEFAULT 0, CHECK ("UnitPrice" >= 0), CHECK ("UnitsInStock" >= 0),
  FOREIGN KEY ("CategoryID") REFERENCES "Categories" ("CategoryID"),
  FOREIGN KEY ("SupplierID") REFERENCES "Suppliers" ("SupplierID"));
CREATE TABLE "Orders" ("OrderID" INTEGER NOT NULL PRIMARY KEY, "CustomerID" CHAR(5), "EmployeeID" INTEGER,
  "OrderDate" <moment>, "RequiredDate" <moment>, "ShippedDate" <moment>, "ShipVia" INTEGER, "Freight" NUMERIC(10, 4) DEFAULT 0,
  "ShipName" VARCHAR(40), "ShipAddress" VARCHAR(60), "ShipCity" VARCHAR(15), "ShipRegion" VARCHAR(15),
  "ShipPostalCode" VARCHAR(10), "ShipCountry" VARCHAR(15),
  FOREIGN KEY ("CustomerID") REFERENCES "Customers" ("CustomerID"),
  FOREIGN KEY ("EmployeeID") REFERENCES "Employees" ("EmployeeID"), FOREIGN KEY ("ShipVia") REFERENCES "Shippers" ("ShipperID"));
CREATE TABLE "Order Details" ("OrderID" INTEGER NOT NULL, "ProductID" INTEGER NOT NULL,
  "UnitPrice" NUMERIC(10, 4) NOT NULL DEFAULT 0, "Quantity" SMALLINT NOT NULL DEFAULT 1, "Discount" REAL NOT NULL DEFAULT 0,
  PRIMARY KEY ("OrderID", "ProductID"), CHECK ("Quantity" > 0), CHECK ("Discount" >= 0 AND "Discount" <= 1),
  FOREIGN KEY ("OrderID") REFERENCES "Orders" ("OrderID"), FOREIGN KEY ("ProductID") REFERENCES "Products" ("ProductID"));
CREATE VIEW "Alphabetical list of products" AS SELECT "Products".*, "Categories"."CategoryName" FROM "Categories"
  JOIN "Products" ON "Categories"."CategoryID" = "Products"."CategoryID" WHERE "Products"."Discontinued" = 0;
CREATE VIEW "Order Subtotals" AS SELECT "OrderID", SUM("UnitPrice" * "Quantity" * (1 - "Discount")) AS "Subtotal"
  FROM "Order Details" GROUP BY "OrderID"
