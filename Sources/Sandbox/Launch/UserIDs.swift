internal import Glibc

/// Whose user ids strategies have on this machine.
public enum UserIDs: Hashable, Sendable {
    /// Each one of its own, since the host is root.
    case own(ClosedRange<UInt32>)
    /// Each one of its own, of those lent to the host's user.
    case lent(ClosedRange<UInt32>)
    /// That of the host, all the same, for this reason.
    case shared(reason: String)

    /// Looks for ids that the host may give out. Costs some milliseconds for an ordinary user.
    ///
    /// - Parameter launcher: The launcher program; nil to be told that there is none.
    public static func survey(launcher: String?) -> UserIDs {
        guard let launcher else { return .shared(reason: "there is no installation") }
        return find(launcher: launcher, own: ConfinedLauncher.defaultUserIDs).ids
    }

    static func find(
        launcher: String, own: ClosedRange<UInt32>
    ) -> (ids: UserIDs, lent: LentUsers?) {
        if geteuid() == 0 { return (.own(own), nil) }
        do throws(LentUsers.Refusal) {
            let lent = try LentUsers(launcher: launcher)
            return (.lent(lent.outer), lent)
        } catch {
            return (.shared(reason: error.words), nil)
        }
    }

    /// Whether all strategies have the host's.
    public var areShared: Bool {
        if case .shared = self { true } else { false }
    }

    /// In words.
    public var words: String {
        switch self {
        case .own(let range): "its own, of \(range.lowerBound) to \(range.upperBound)"
        case .lent(let range): "its own, of \(range.lowerBound) to \(range.upperBound) in /etc/subuid"
        case .shared: "that of the host, shared with other strategies"
        }
    }

    /// What an operator can do; nil when nothing is amiss.
    public var remedy: String? {
        guard case .shared = self else { return nil }
        return
            "apt-get install uidmap, and as root: usermod --add-subuids 300000-365535 --add-subgids 300000-365535 "
            + "<the host's user>"
    }
}
