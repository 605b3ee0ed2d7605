import Testing

@testable import Objects

@Suite struct XMLReaderTests {
    @Test(arguments: [
        ("<a/>", XMLElement(name: "a")), ("<a></a>", XMLElement(name: "a")),
        ("<?xml version='1.0' encoding=\"UTF-8\"?>\n<a>text</a>\n", XMLElement(name: "a", text: "text")),
        ("\u{feff}<a> b </a><!-- end -->", XMLElement(name: "a", text: " b ")),
        ("<!-- <x> --><a>1<!-- 2 -->3</a>", XMLElement(name: "a", text: "13")),
        ("<a x='1' y = \">&\">1</a>", XMLElement(name: "a", text: "1")),
        (
            "<a xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\n <b>1</b >\n <b>2</b>\n</a >",
            XMLElement(
                name: "a", children: [XMLElement(name: "b", text: "1"), XMLElement(name: "b", text: "2")])
        ),
        (
            "<a>&lt;&gt;&amp;&quot;&apos;&#65;&#x42;&#xe9;&#x1F600;ä</a>",
            XMLElement(name: "a", text: "<>&\"'ABé😀ä")
        ),
    ])
    func `elements and text are read as they are written`(_ text: String, _ element: XMLElement) throws {
        #expect(try XMLReader.read(Array(text.utf8)) == element)
    }

    @Test(arguments: [
        "", " ", "text", "<", "<a", "<a>", "<a/", "<a></b>", "<a></a", "<a></a>x", "<a/><b/>", "<a>x<b/></a>",
        "<a><b></a></b>", "< a/>", "<1a/>", "<a b/>", "<a b=1/>", "<a b='1/>", "<a b='1'c='2'/>", "<a b='<'/>",
        "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "<!DOCTYPE a><a/>", "<a>&x;</a>", "<a>&amp</a>", "<a>&#0;</a>",
        "<a>&#xD800;</a>", "<a>&#x110000;</a>", "<a>&#99999999999;</a>", "<a>&#x;</a>", "<a>&#-5;</a>",
        "<a><![CDATA[x]]></a>", "<a><?php ?></a>", "<a>\u{1}</a>", "<a><!-- </a>", "<?xml <a/>", "<a>&#1;</a>",
        String(repeating: "<a>", count: 17) + String(repeating: "</a>", count: 17),
        "<a>" + String(repeating: "<b/>", count: 33_000) + "</a>", "<\(String(repeating: "a", count: 200))/>",
    ])
    func `what is not whole, not in order, or could mean something of its own is refused`(_ text: String) {
        #expect(throws: XMLReader.Failure.self) { try XMLReader.read(Array(text.utf8)) }
    }

    @Test func `what is not UTF-8 is refused`() {
        #expect(throws: XMLReader.Failure.self) { try XMLReader.read(Array("<a>".utf8) + [0xc3] + Array("</a>".utf8)) }
    }

    @Test(arguments: 0..<200)
    func `whatever the bytes, reading them ends`(_ seed: Int) {
        var generator = SystemRandomNumberGenerator()
        let pieces = [
            "<a", ">", "</a>", "<b>", "</b>", "/>", "&", ";", "&lt;", "<!--", "-->", "<?xml", "?>", "=", "'", "x", " ",
        ]
        let text = (0..<(seed % 40)).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
        _ = try? XMLReader.read(Array(text.utf8))
    }
}
