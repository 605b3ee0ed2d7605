extension Catalog {
    /// Kinds of sums beside the four states of a blob.
    static let tallyOfLeases = 5
    static let tallyOfEndedLeases = 6

    /// `tally` keeps the number of rows and of bytes for each state of a blob, and the number of leases. SQLite keeps
    /// it itself, in the transaction that changes the rows, so it is right whatever statement changes them.
    static let tallyTables = """
        CREATE TABLE tally (
            kind INTEGER PRIMARY KEY,
            count INTEGER NOT NULL,
            bytes INTEGER NOT NULL
        ) STRICT;
        INSERT INTO tally VALUES (1, 0, 0), (2, 0, 0), (3, 0, 0), (4, 0, 0), (5, 0, 0), (6, 0, 0);
        CREATE TRIGGER blob_came AFTER INSERT ON blob BEGIN
            UPDATE tally SET count = count + 1, bytes = bytes + NEW.size WHERE kind = NEW.state;
        END;
        CREATE TRIGGER blob_turned AFTER UPDATE OF state, size ON blob
        WHEN OLD.state <> NEW.state OR OLD.size <> NEW.size BEGIN
            UPDATE tally SET count = count - 1, bytes = bytes - OLD.size WHERE kind = OLD.state;
            UPDATE tally SET count = count + 1, bytes = bytes + NEW.size WHERE kind = NEW.state;
        END;
        CREATE TRIGGER blob_went AFTER DELETE ON blob BEGIN
            UPDATE tally SET count = count - 1, bytes = bytes - OLD.size WHERE kind = OLD.state;
        END;
        CREATE TRIGGER lease_came AFTER INSERT ON lease BEGIN
            UPDATE tally SET count = count + 1 WHERE kind = iif(NEW.ended IS NULL, 5, 6);
        END;
        CREATE TRIGGER lease_turned AFTER UPDATE OF ended ON lease
        WHEN (OLD.ended IS NULL) <> (NEW.ended IS NULL) BEGIN
            UPDATE tally SET count = count - 1 WHERE kind = iif(OLD.ended IS NULL, 5, 6);
            UPDATE tally SET count = count + 1 WHERE kind = iif(NEW.ended IS NULL, 5, 6);
        END;
        CREATE TRIGGER lease_went AFTER DELETE ON lease BEGIN
            UPDATE tally SET count = count - 1 WHERE kind = iif(OLD.ended IS NULL, 5, 6);
        END;
        """
}
