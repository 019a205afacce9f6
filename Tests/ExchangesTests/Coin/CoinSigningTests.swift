import FoundationEssentials
import Secrets
import Testing
import Trading
import Wire

@testable import Exchanges

/// The vectors beside the project; empty when they are not there.
private func vectors(_ exchange: String) -> [JSONValue] {
    let root = #filePath.split(separator: "/").dropLast(4).reduce("") { "\($0)/\($1)" }
    let folder =
        ProcessInfo.processInfo.environment["BULLPEN_SHARED_EXCHANGES"] ?? root + "/../shared/exchanges"
    // Without the file the test is skipped, and says so.
    guard let data = FileManager.default.contents(atPath: folder + "/vectors.json"),
        let all = try? JSONParser.parse(Array(data))
    else { return [] }
    return all[exchange]?["vectors"]?.arrayValue ?? []
}

@Suite("Signing for CoinDCX and CoinSpot")
struct CoinSigningTests {
    static let (coinDCX, coinSpot) = (vectors("coindcx"), vectors("coinspot"))

    @Test(
        "every vector of CoinDCX comes out of its payload",
        .enabled(if: !CoinSigningTests.coinDCX.isEmpty, "the shared vectors are not here"))
    func signaturesOfCoinDCX() throws {
        for vector in Self.coinDCX {
            let payload = try #require(vector["payload"]?.stringValue)
            let key = try key(vector)
            let signature = CoinDCXSigning.headers(Array(payload.utf8), key: key)[1].value
            #expect(
                signature == vector["expected_signature"]?.stringValue, "\(vector["id"]?.stringValue ?? "")")
        }
        #expect(Self.coinDCX.count >= 10)
    }

    @Test(
        "every vector of CoinSpot comes out of its payload",
        .enabled(if: !CoinSigningTests.coinSpot.isEmpty, "the shared vectors are not here"))
    func signaturesOfCoinSpot() throws {
        for vector in Self.coinSpot {
            let payload = try #require(vector["payload"]?.stringValue)
            let signature = CoinSpotSigning.headers(Array(payload.utf8), key: try key(vector))[1].value
            #expect(
                signature == vector["expected_signature"]?.stringValue, "\(vector["id"]?.stringValue ?? "")")
        }
        #expect(Self.coinSpot.count >= 10)
    }

    @Test func `the bytes that are signed are the bytes that are sent`() throws {
        let key = SigningKey(apiKey: "k", secret: try LockedBytes(Array("s".utf8)))
        let dcx = CoinDCXSigning.body(
            [.init("market", .string("SOLINR"))], at: Timestamp(milliseconds: 1_785_000_000_100))
        #expect(String(decoding: dcx, as: UTF8.self) == #"{"market":"SOLINR","timestamp":1785000000100}"#)
        #expect(CoinDCXSigning.headers(dcx, key: key)[1].value == key.hmacSHA256(dcx).lowerHexadecimal)
        let spot = CoinSpotSigning.body([.init("cointype", .string("SOL"))], nonce: 1_785_000_000_003)
        #expect(String(decoding: spot, as: UTF8.self) == #"{"nonce":1785000000003,"cointype":"SOL"}"#)
        #expect(CoinSpotSigning.headers(spot, key: key)[1].value.utf8.count == 128)
    }

    @Test func `the message that joins an account's channel is signed without a time`() throws {
        let key = SigningKey(apiKey: "xk", secret: try LockedBytes(Array("YYYY".utf8)))
        let join = CoinDCXSigning.join(key: key)
        #expect(
            join["authSignature"]?.stringValue
                == "c8f94ab0ff0372da5b20dfa616c8a1abd06341fa2c0ea19559decc4c8485b989")
        #expect(join["apiKey"]?.stringValue == "xk" && join["channelName"]?.stringValue == "coindcx")
    }

    private func key(_ vector: JSONValue) throws -> SigningKey {
        SigningKey(
            apiKey: vector["key"]?.stringValue ?? "",
            secret: try LockedBytes(Array((vector["secret"]?.stringValue ?? "").utf8)))
    }
}
