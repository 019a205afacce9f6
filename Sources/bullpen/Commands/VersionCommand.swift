import Host
import Wire

extension Command {
    static let version = Command(
        name: "version", group: .host, summary: "Say which version this is.", usesServer: false
    ) { invocation in
        invocation.show(.members(["version": .string(Product.version)]), ["bullpen \(Product.version)"])
    }
}
