import Blobs
import Testing

@Suite struct SettingSourcesTests {
    private let sources = SettingSources(
        flags: ["a": "1"], variables: ["a": "2", "b": "2"], file: ("f", ["a": "3", "b": "3", "c": "3"]))

    @Test func `flags override the environment, and the environment overrides the file`() {
        #expect(sources.value(of: "a")?.text == "1" && sources.value(of: "a")?.origin == .flag)
        #expect(sources.value(of: "b")?.text == "2" && sources.value(of: "b")?.origin == .environment)
        #expect(sources.value(of: "c")?.text == "3" && sources.value(of: "c")?.origin == .file(path: "f"))
        #expect(sources.value(of: "d") == nil)
        let withoutFile = SettingSources<String>(flags: [:], variables: [:], file: nil)
        #expect(withoutFile.value(of: "a") == nil)
    }

    @Test func `of alternatives the one at the strongest level wins, and at one level the first`() {
        #expect(sources.value(ofFirst: ["c", "b", "a"])?.key == "a")
        #expect(sources.value(ofFirst: ["c", "b"])?.key == "b")
        #expect(
            SettingSources(flags: ["x": "1", "y": "2"], variables: [:], file: nil).value(ofFirst: ["y", "x"])?.key
                == "y")
    }

    @Test(arguments: [("listen", "SATCHELD_LISTEN"), ("gc-interval", "SATCHELD_GC_INTERVAL")])
    func `the variable of a setting has its name in capitals`(name: String, variable: String) {
        #expect(SettingVariable.name(prefix: "SATCHELD_", setting: name) == variable)
    }
}
