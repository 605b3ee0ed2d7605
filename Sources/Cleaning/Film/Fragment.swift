/// A `moof` by allow-list (ISO/IEC 14496-12, 8.8.4 to 8.8.8): `mfhd`, and of each kept track `tfhd`, `tfdt`, `trun` and
/// groups of samples. Offsets are written anew: every run has its own, from the start of its `moof`.
struct Fragment {
    /// A run of samples that lie one behind the other.
    struct SampleRun {
        /// The box up to its entries; the offset stands at byte 16.
        let header: [UInt8]
        let entries: Range<Int64>
        let data: Range<Int64>
        let sizes: RunSizes
        /// Of its first sample: bit 16 says that it is no sync sample (8.8.3.1).
        let firstFlags: UInt32
    }

    /// How many bytes each sample of a run has.
    struct RunSizes {
        let count: Int64
        /// Where they all have the same size.
        let standard: Int64
        /// Else: which of so many numbers of an entry says it.
        let field: (index: Int64, of: Int64)?
    }

    enum FragmentPart {
        case bytes([UInt8])
        case run(SampleRun)
    }

    /// A track's part of the fragment, in its time scale.
    struct TrackPart {
        let track: UInt32
        let isText: Bool
        let start: UInt64?
        let unitForm: UnitForm?
        var duration: UInt64 = 0
        var samples: Int64 = 0
        var parts: [FragmentPart] = []

        /// Bytes but for the entries of runs.
        var descriptionBytes: Int {
            parts.reduce(0) { size, part in
                switch part {
                case .bytes(let bytes): size + bytes.count
                case .run(let run): size + run.header.count
                }
            }
        }

        var bytes: Int64 {
            parts.reduce(8) { size, part in
                switch part {
                case .bytes(let bytes): size + Int64(bytes.count)
                case .run(let run): size + Int64(run.header.count) + run.entries.upperBound - run.entries.lowerBound
                }
            }
        }
    }

    let sequence: [UInt8]
    private(set) var tracks: [TrackPart] = []
    /// Bytes of the box.
    private(set) var bytes: Int64

    init(
        _ box: Box, _ movie: Movie, _ reader: BoxReader, removed: inout Set<RemovedMetadata>
    ) throws(CleaningError) {
        guard box.payloadBytes <= SampleTable.limitBytes * 8 else {
            throw .excessive("a fragment of more than 512 MiB")
        }
        reader.resetLimit()
        let children = try reader.children(of: box)
        let header = try reader.full(try children.required("mfhd"))
        sequence = .fullBox("mfhd", Array(try reader.bytes(header.body).prefix(4)))
        guard sequence.count == 16 else { throw .corrupt("the box “mfhd” is too short") }
        bytes = 8 + Int64(sequence.count)
        var end = box.range.lowerBound
        for child in children {
            switch child.type {
            case "mfhd", "free", "skip": continue
            case "traf":
                var part = try FragmentTrack(child, movie, fragmentStart: box.range.lowerBound, reader)
                try part.readRuns(previousEnd: end, removed: &removed)
                end = part.end
                if part.isKept {
                    tracks.append(part.cleaned)
                    bytes += part.cleaned.bytes
                }
            default: FilmWords.note(child, reader, removed: &removed)
            }
        }
    }

    /// Writes the box, which lies at `start` of the copy.
    func write(to copy: inout CleanCopy, at start: Int64, _ relocation: Relocation) throws(CleaningError) {
        var relocation = relocation
        copy.append(BigEndian.bytes(UInt32(bytes)) + BoxType("moof").bytes + sequence)
        for track in tracks {
            copy.append(BigEndian.bytes(UInt32(track.bytes)) + BoxType("traf").bytes)
            for part in track.parts {
                switch part {
                case .bytes(let bytes): copy.append(bytes)
                case .run(let run):
                    let place = run.data.isEmpty ? start : relocation.offset(run.data.lowerBound)
                    guard let place, let offset = Int32(exactly: place - start) else {
                        throw .unsupported("a fragment's data lies too far from it")
                    }
                    copy.append(run.header[..<16] + BigEndian.bytes(offset) + run.header[20...])
                    copy.append(original: run.entries)
                }
            }
        }
    }
}
