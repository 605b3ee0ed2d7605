// swift-tools-version: 6.2

import PackageDescription

let package = Package(
    name: "satchel",
    products: [
        .executable(name: "satchel", targets: ["satchel"]),
        .executable(name: "satcheld", targets: ["satcheld"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser.git", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto.git", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types.git", exact: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log.git", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio.git", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", exact: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-http2.git", exact: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", exact: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift.git", exact: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", exact: "2.28.1", traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", exact: "2.13.0"),
        .package(url: "https://github.com/vapor/jwt-kit.git", exact: "5.7.1"),
    ],
    targets: [
        // The vocabulary of both programs, and the one door to POSIX files.
        .target(name: "Blobs", dependencies: [crypto]),
        .target(name: "Files", dependencies: ["CLinux"]),

        // The pages for browsers, which one program serves and the other checks.
        .target(name: "Pages", dependencies: ["Blobs", "CPages"], exclude: ["Resources"]),

        // The client: it holds keys.
        .target(name: "MediaMessage", dependencies: ["Blobs"]),
        .target(name: "Sealing", dependencies: ["Blobs", "Files", "COpenSSL", "CSodium", crypto]),
        .target(name: "Cleaning", dependencies: ["Files"]),
        .target(name: "Cage", dependencies: ["Files", "CCage", "CHEIF", "COpenH264"]),
        .target(
            name: "Imaging",
            dependencies: ["Cage", "Cleaning", "Files", "CJPEG", "CLCMS", "CPNG", "CWebP", "CRowScaler"]),
        .target(name: "Transfer", dependencies: ["Blobs", "Files", "CCurl"]),
        .target(
            name: "MediaClient",
            dependencies: [
                "Blobs", "Files", "MediaMessage", "Sealing", "Cleaning", "Cage", "Imaging", "Transfer", crypto,
            ]),
        .executableTarget(
            name: "satchel",
            dependencies: [
                "Blobs", "Files", "Pages", "MediaMessage", "Sealing", "Cage", "Imaging", "Transfer", "MediaClient",
                "CLinux",
                "CCommit", argumentParser,
            ]),

        // The server: nothing in it can hold a key.
        .target(name: "Store", dependencies: ["Blobs", crypto]),
        .target(name: "StoreRules", dependencies: ["Blobs", "Store"]),
        .target(name: "StoreParts", dependencies: ["Blobs", "Store", "StoreRules", "Files", "BlobFiles"]),
        .target(name: "Telemetry", dependencies: ["Store"]),
        .target(name: "Catalog", dependencies: ["Blobs", "Store", "StoreRules", "Files", grdb, grdbSQLite]),
        .target(name: "EventLoops", dependencies: [nioCore, nioPosix]),
        .target(name: "BlobFiles", dependencies: ["Blobs", "Store", "Files", nioPosix]),
        .target(name: "DiskStore", dependencies: ["Blobs", "Store", "Files", "BlobFiles"]),
        .target(
            name: "Vault",
            dependencies: [
                "Blobs", "Store", "StoreRules", "StoreParts", "Files", "BlobFiles", "Catalog", "DiskStore", "Telemetry",
                logging, nioPosix,
            ]),
        .target(
            name: "Objects",
            dependencies: [
                "Blobs", "StoreRules", "Files", "OriginLink", crypto, httpTypes, logging, nioCore, nioPosix,
            ]),
        .target(
            name: "SharedCatalog",
            dependencies: ["Blobs", "Store", "StoreRules", "Files", "CPostgres", logging]),
        .target(
            name: "SharedStore",
            dependencies: [
                "Blobs", "Store", "StoreRules", "StoreParts", "Files", "EventLoops", "BlobFiles", "CacheFolder",
                "Objects", "SharedCatalog", "Telemetry", logging, nioCore, nioPosix,
            ]),
        .target(name: "Lifecycle", dependencies: ["Blobs", "Store", logging, lifecycle]),
        .target(name: "Tickets", dependencies: ["Blobs", "Files", crypto, jwtKit]),
        .target(
            name: "BlobHTTP",
            dependencies: [
                "Blobs", "CLinux", "EventLoops", "Pages", "Store", "Telemetry", "Tickets", hummingbirdCore, httpTypes,
                lifecycle, logging, nioCore,
                nioHPACK, nioHTTP1, nioHTTP2, nioHTTPTypes, nioHTTPTypesHTTP1, nioHTTPTypesHTTP2, nioPosix, nioSSL,
                nioTLS,
            ]),
        .target(
            name: "OriginLink",
            dependencies: ["Blobs", httpTypes, logging, nioCore, nioHTTP1, nioPosix, nioSSL, nioTLS]),
        .target(
            name: "CacheFolder",
            dependencies: ["Blobs", "Store", "Files", "BlobFiles", logging, nioCore]),
        .target(
            name: "Edge",
            dependencies: [
                "Blobs", "Store", "Telemetry", "BlobFiles", "CacheFolder", "OriginLink", "BlobHTTP", httpTypes,
                hummingbirdCore, lifecycle, logging, nioCore,
            ]),
        .executableTarget(
            name: "satcheld",
            dependencies: [
                "Blobs", "Pages", "Store", "StoreRules", "StoreParts", "Files", "Telemetry", "DiskStore", "Vault",
                "Objects", "SharedCatalog", "SharedStore", "Lifecycle", "Tickets",
                "BlobHTTP", "CacheFolder", "OriginLink", "Edge", "CCommit", "CEmptyICU",
                argumentParser, httpTypes, logging, lifecycle, nioCore, nioPosix, unixSignals,
            ]),

        // C behind its doors.
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
        .target(name: "CPages"),
        .target(name: "CCommit", cSettings: [.define("SATCHEL_COMMIT", to: "\"\(commit)\"")]),
        .target(name: "CCurl"),
        .target(name: "CCage"),
        .target(name: "CEmptyICU"),
        .target(name: "CHEIF"),
        .target(name: "COpenH264"),
        .target(name: "COpenSSL"),
        .target(name: "CJPEG", linkerSettings: [.linkedLibrary("jpeg")]),
        .target(name: "CLCMS"),
        .target(name: "CPostgres"),
        .target(name: "CPNG", linkerSettings: [.linkedLibrary("png16")]),
        .target(name: "CWebP"),
        .target(name: "CRowScaler"),

        .target(
            name: "TestSupport", dependencies: ["Blobs", "Files", crypto], path: "Tests/TestSupport",
            exclude: ["peer.py", "slots.py"]),
        .target(
            name: "TestEngines", dependencies: ["Files", "TestSupport"], path: "Tests/TestEngines",
            exclude: [
                "engine.py", "engines.py", "fault_proxy.py", "object_engines.py", "object_hand.py",
                "postgres_engine.py",
            ]),
        .target(
            name: "MemoryStore", dependencies: ["Blobs", "Store", "StoreRules", "TestSupport"],
            path: "Tests/MemoryStore"),
        .target(
            name: "MemoryObjects", dependencies: ["Objects", "Blobs", "StoreRules"], path: "Tests/MemoryObjects"),
        .target(
            name: "StoreTestSupport",
            dependencies: [
                "Blobs", "Store", "StoreRules", "StoreParts", "Files", "DiskStore", "Vault", "Objects", "SharedCatalog",
                "SharedStore", "MemoryStore", "MemoryObjects", "TestEngines", "TestSupport", grdb, logging,
            ], path: "Tests/StoreTestSupport"),
        .executableTarget(
            name: "ScriptedNode",
            dependencies: [
                "Blobs", "Store", "StoreRules", "Files", "SharedStore", "StoreTestSupport", "TestSupport",
            ], path: "Tests/ScriptedNode"),
        .testTarget(name: "BlobsTests", dependencies: ["Blobs", "TestSupport"]),
        .testTarget(name: "StoreTests", dependencies: ["Store", "Blobs", "TestSupport"]),
        .testTarget(
            name: "StoreRulesTests", dependencies: ["StoreRules", "MemoryStore", "Store", "Blobs", "TestSupport"]),
        .testTarget(
            name: "CatalogTests",
            dependencies: [
                "Catalog", "StoreRules", "MemoryStore", "Store", "Blobs", "Files", "TestSupport", grdb, grdbSQLite,
            ]),
        .testTarget(name: "PagesTests", dependencies: ["Pages", "Blobs"]),
        .testTarget(name: "FilesTests", dependencies: ["Files", "TestSupport"]),
        .testTarget(name: "MediaMessageTests", dependencies: ["MediaMessage", "Blobs", "TestSupport"]),
        .testTarget(
            name: "SealingTests", dependencies: ["Sealing", "Blobs", "Files", "TestSupport"],
            exclude: ["Vectors", "Peer"]),
        .testTarget(
            name: "CleaningTests", dependencies: ["Cleaning", "Files", "TestSupport"]),
        .executableTarget(name: "CageStub", dependencies: ["Cage", "Files"], path: "Tests/CageStub"),
        .testTarget(name: "CageTests", dependencies: ["Cage", "CageStub", "Files", "TestSupport"]),
        .testTarget(
            name: "ImagingTests",
            dependencies: ["Cage", "Cleaning", "Imaging", "Files", "TestSupport", "satchel"],
            resources: [.copy("Pictures")]),
        .testTarget(
            name: "TransferTests", dependencies: ["Transfer", "Blobs", "Files", "TestSupport"]),
        .testTarget(
            name: "MediaClientTests",
            dependencies: [
                "MediaClient", "MediaMessage", "Sealing", "Cleaning", "Cage", "Imaging", "Transfer", "Blobs", "Files",
                "TestSupport", "satchel",
            ], exclude: ["Vectors", "Peer"]),
        .testTarget(
            name: "SatchelTests",
            dependencies: [
                "satchel", "MediaClient", "MediaMessage", "Pages", "Transfer", "Blobs", "TestSupport", argumentParser,
            ]),
        .testTarget(name: "BlobFilesTests", dependencies: ["BlobFiles", "Blobs", "Files", "TestSupport"]),
        .testTarget(
            name: "DiskStoreTests", dependencies: ["DiskStore", "BlobFiles", "Blobs", "Store", "Files", "TestSupport"]),
        .testTarget(
            name: "CacheFolderTests",
            dependencies: [
                "CacheFolder", "BlobFiles", "Blobs", "Store", "Files", "TestSupport", logging, nioCore,
            ]),
        .testTarget(name: "EdgeTests", dependencies: ["Edge", "Blobs", "Store", "TestSupport"]),
        .testTarget(
            name: "LifecycleTests",
            dependencies: ["Lifecycle", "Vault", "Blobs", "Store", "StoreRules", "TestSupport", lifecycle, logging]),
        .testTarget(
            name: "SatcheldTests",
            dependencies: [
                "satcheld", "BlobHTTP", "Edge", "Vault", "Blobs", "Store", "StoreRules", "Files", "TestSupport",
                argumentParser,
                lifecycle, logging, nioCore, nioPosix,
            ]),
        .testTarget(name: "TelemetryTests", dependencies: ["Telemetry", "Store"]),
        .testTarget(
            name: "StoreContractTests",
            dependencies: [
                "Store", "StoreRules", "Blobs", "Files", "StoreTestSupport", "TestSupport", crypto,
                "BlobFiles", "BlobHTTP", "CacheFolder", "Edge", "OriginLink", "Telemetry", "Tickets", lifecycle,
                nioCore, nioPosix,
            ]),
        .testTarget(
            name: "VaultTests",
            dependencies: [
                "StoreTestSupport",
                "Vault", "Telemetry", "Catalog", "BlobFiles", "DiskStore", "Lifecycle", "Blobs", "Store", "StoreRules",
                "StoreParts", "Files",
                "TestSupport",
                crypto,
                grdb, grdbSQLite,
                lifecycle, logging,
            ]),
        .testTarget(
            name: "ObjectsTests",
            dependencies: [
                "Objects", "OriginLink", "Blobs", "Store", "StoreRules", "Files", "TestEngines", "TestSupport", crypto,
                httpTypes,
                logging, nioCore, nioPosix,
            ]),
        .testTarget(
            name: "SharedCatalogTests",
            dependencies: [
                "SharedCatalog", "StoreRules", "MemoryStore", "Store", "Blobs", "Files", "TestEngines", "TestSupport",
                logging,
            ]),
        .testTarget(
            name: "SharedStoreTests",
            dependencies: [
                "SharedStore", "SharedCatalog", "Objects", "CacheFolder", "BlobFiles", "StoreRules", "Store", "Blobs",
                "Files", "StoreParts", "Telemetry", "Vault", "MemoryObjects", "ScriptedNode",
                "StoreTestSupport", "TestEngines", "TestSupport", logging, nioCore, crypto,
            ]),
        .testTarget(
            name: "OriginLinkTests",
            dependencies: [
                "OriginLink", "Blobs", "Files", "TestSupport", httpTypes, logging, nioCore, nioHTTP1, nioPosix, nioSSL,
            ]),
        .testTarget(name: "TicketsTests", dependencies: ["Tickets", "Blobs", "Files", "TestSupport"]),
        .testTarget(
            name: "BlobHTTPTests",
            dependencies: [
                "BlobHTTP", "Pages", "Telemetry", "Tickets", "Vault", "Catalog", "DiskStore", "Blobs", "Store",
                "StoreRules",
                "Files",
                "TestSupport",
                crypto,
                httpTypes, hummingbirdCore, lifecycle, logging, nioCore, nioEmbedded, nioHTTP1, nioHTTPTypes, nioPosix,
            ]),
        .testTarget(
            name: "SystemTests", dependencies: ["Blobs", "Files", "TestEngines", "TestSupport"], exclude: ["Peer"]),
    ]
)

var argumentParser: Target.Dependency { .product(name: "ArgumentParser", package: "swift-argument-parser") }
var crypto: Target.Dependency { .product(name: "Crypto", package: "swift-crypto") }
var grdb: Target.Dependency { .product(name: "GRDB", package: "GRDB.swift") }
var grdbSQLite: Target.Dependency { .product(name: "GRDBSQLite", package: "GRDB.swift") }
var httpTypes: Target.Dependency { .product(name: "HTTPTypes", package: "swift-http-types") }
var hummingbirdCore: Target.Dependency { .product(name: "HummingbirdCore", package: "hummingbird") }
var jwtKit: Target.Dependency { .product(name: "JWTKit", package: "jwt-kit") }
var lifecycle: Target.Dependency { .product(name: "ServiceLifecycle", package: "swift-service-lifecycle") }
var logging: Target.Dependency { .product(name: "Logging", package: "swift-log") }
var nioCore: Target.Dependency { .product(name: "NIOCore", package: "swift-nio") }
var nioEmbedded: Target.Dependency { .product(name: "NIOEmbedded", package: "swift-nio") }
var nioHTTP1: Target.Dependency { .product(name: "NIOHTTP1", package: "swift-nio") }
var nioHTTPTypes: Target.Dependency { .product(name: "NIOHTTPTypes", package: "swift-nio-extras") }
var nioHTTPTypesHTTP1: Target.Dependency { .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras") }
var nioHPACK: Target.Dependency { .product(name: "NIOHPACK", package: "swift-nio-http2") }
var nioHTTP2: Target.Dependency { .product(name: "NIOHTTP2", package: "swift-nio-http2") }
var nioHTTPTypesHTTP2: Target.Dependency { .product(name: "NIOHTTPTypesHTTP2", package: "swift-nio-extras") }
var nioPosix: Target.Dependency { .product(name: "NIOPosix", package: "swift-nio") }
var nioSSL: Target.Dependency { .product(name: "NIOSSL", package: "swift-nio-ssl") }
var nioTLS: Target.Dependency { .product(name: "NIOTLS", package: "swift-nio") }
var unixSignals: Target.Dependency { .product(name: "UnixSignals", package: "swift-service-lifecycle") }

/// The commit that is built, which scripts/prepare.sh names, and a plus where something was changed since. SwiftPM knows it
/// too (`Context.gitInformation`), but remembers what it found for as long as this file stays as it is.
var commit: String {
    let name = Context.environment["SATCHEL_COMMIT"] ?? ""
    return name.allSatisfy { $0.isHexDigit || $0 == "+" } ? name : ""
}

// One strictness for every Swift target.
let targetsInC = [
    "CCage", "CCommit", "CCurl", "CEmptyICU", "CHEIF", "CJPEG", "CLCMS", "COpenH264", "COpenSSL", "CPages", "CPNG",
    "CPostgres",
    "CWebP",
    "CRowScaler",
]
for target in package.targets where target.type != .system && !targetsInC.contains(target.name) {
    target.swiftSettings = [
        .strictMemorySafety(),
        .treatAllWarnings(as: .error),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    ]
}
