public import Lab

extension APICall {
    /// The Lab, on a host that has one.
    var lab: LabService {
        get throws(LabFailure) {
            guard let lab = services.lab else { throw .unavailable("this host has no Lab") }
            return lab
        }
    }
}

extension EventStream: LabEventSink {
    /// Takes an event; false when the reader has gone or is too slow.
    public func offer(_ event: LabEvent) -> Bool {
        put(Array("event: \(event.name)\nid: \(event.sequence)\ndata: ".utf8) + event.payload + [0x0A, 0x0A])
    }
}
