package import Files

extension DiskStore {
    /// Whether the ballast lies on the disk in full.
    package func hasBallast() throws(FileError) -> Bool {
        guard let status = try Folder.status(layout.ballast) else { return false }
        return status.size >= ballastBytes
    }

    /// Takes the space that a full disk will want for deleting, if it is not taken and `keepFreeBytes` stay free
    /// beside it; tells whether it is there now.
    package func allocateBallast(keepFreeBytes: Int64) throws(FileError) -> Bool {
        guard ballastBytes > 0, try !hasBallast() else { return true }
        let (needed, overflow) = ballastBytes.addingReportingOverflow(keepFreeBytes)
        guard !overflow, try freeBytes() >= needed else { return false }
        do {
            try OpenFile(layout.ballast, .openOrCreate(permissions: 0o600)).allocate(ballastBytes)
            try faults.reach(.ballastAllocated)
            return true
        } catch {
            _ = try? Folder.remove(layout.ballast)
            if error.isFullDisk { return false }
            throw error
        }
    }

    /// Gives the space up; tells whether there was any.
    package func releaseBallast() throws(FileError) -> Bool {
        guard try Folder.remove(layout.ballast) else { return false }
        try faults.reach(.ballastReleased)
        return true
    }
}
