internal import Glibc

/// The processors of this machine.
public enum Processors {
    /// How many are online. At least one.
    public static var count: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
}
