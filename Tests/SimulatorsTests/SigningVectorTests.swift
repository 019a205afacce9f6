import Foundation
import TestSupport
import Testing
import Wire

@testable import Simulators

/// What is checked of signatures, against vectors that others made and signed in three ways.
@Suite("Signing vectors")
struct SigningVectorTests {
    private static let path = URL(filePath: Places.package).deletingLastPathComponent()
        .appending(path: "shared/exchanges/vectors.json").path

    @Test(
        .enabled(
            if: FileManager.default.fileExists(atPath: path),
            "the vectors are not at hand: ../shared/exchanges/vectors.json"),
        arguments: [("binance", 15), ("coinspot", 10), ("coindcx", 10)])
    func `every vector's signature is the one that is expected`(exchange: String, least: Int) throws {
        let file = try JSONParser.parse([UInt8](try Data(contentsOf: URL(filePath: Self.path))))
        let vectors = file[exchange]?["vectors"]?.arrayValue ?? []
        #expect(vectors.count >= least)
        for vector in vectors {
            let secret = Array(try #require(vector["secret"]?.stringValue).utf8)
            let payload = Array(try #require(vector["payload"]?.stringValue).utf8)
            let signature = Hashes.hmac(exchange == "coinspot" ? .sha512 : .sha256, key: secret, payload)
            #expect(signature == vector["expected_signature"]?.stringValue, "\(vector["id"]?.plain ?? "")")
        }
    }

    @Test func `the parameters of a WebSocket request are sorted and signed as they are`() throws {
        // binance/binance-spot-api-docs, web-socket-api.md: the public sample key pair.
        let parameters = JSONValue.members([
            "symbol": .string("BTCUSDT"), "side": .string("SELL"), "type": .string("LIMIT"),
            "timeInForce": .string("GTC"), "quantity": .string("0.01000000"), "price": .string("52000.00"),
            "recvWindow": .integer(100), "timestamp": .integer(1_645_423_376_532),
            "signature": .string("anything"),
            "apiKey": .string("vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"),
        ])
        let request = try BinanceRequest(parameters: parameters)
        let secret = Array("NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j".utf8)
        #expect(
            Hashes.hmac(.sha256, key: secret, Array(request.payload.utf8))
                == "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24")
    }
}
