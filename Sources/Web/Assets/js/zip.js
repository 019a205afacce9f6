// Writes a zip archive without compression, enough to send an edited bundle (APPNOTE.TXT 4.3.7, 4.3.12, 4.3.16).

const table = Uint32Array.from({ length: 256 }, (_, index) => {
    let value = index;
    for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
    return value >>> 0;
});

export function crc32(bytes) {
    let value = 0xffffffff;
    for (const byte of bytes) value = table[(value ^ byte) & 0xff] ^ (value >>> 8);
    return (value ^ 0xffffffff) >>> 0;
}

/** An archive of `files`, each `{ path, text }`, as a Blob. */
export function zip(files) {
    const encoder = new TextEncoder();
    const parts = [];
    const directory = [];
    let offset = 0;
    for (const { path, text } of files) {
        const name = encoder.encode(path);
        const data = encoder.encode(text);
        const common = [u16(20), u16(0x0800), u16(0), u16(0), u16(0x0021), u32(crc32(data)), u32(data.length), u32(data.length), u16(name.length), u16(0)];
        const local = [u32(0x04034b50), ...common, name, data];
        directory.push(u32(0x02014b50), u16(20), ...common, u16(0), u16(0), u16(0), u32(0), u32(offset), name);
        parts.push(...local);
        offset += size(local);
    }
    const end = [u32(0x06054b50), u16(0), u16(0), u16(files.length), u16(files.length), u32(size(directory)), u32(offset), u16(0)];
    return new Blob([...parts, ...directory, ...end], { type: "application/zip" });
}

const size = (parts) => parts.reduce((total, part) => total + part.length, 0);
const u16 = (value) => Uint8Array.of(value & 0xff, (value >>> 8) & 0xff);
const u32 = (value) => Uint8Array.of(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, (value >>> 24) & 0xff);
