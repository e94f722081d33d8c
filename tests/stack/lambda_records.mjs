// FastCGI records as a program needs them, without the harness.
export const FCGI = { BEGIN: 1, END: 3, PARAMS: 4, STDIN: 5, STDOUT: 6, STDERR: 7, GET_VALUES: 9, GET_VALUES_RESULT: 10 }

export function record (type, id, content = Buffer.alloc(0)) {
  return Buffer.concat([Buffer.from([1, type, id >> 8, id & 255, content.length >> 8, content.length & 255, 0, 0]), content])
}

export const end = id => Buffer.concat([record(FCGI.STDOUT, id), record(FCGI.END, id, Buffer.alloc(8))])

export function parameters (bytes) {
  const found = {}
  let at = 0
  const length = () => {
    if (bytes[at] < 128) return bytes[at++]
    at += 4
    return bytes.readUInt32BE(at - 4) & 0x7fffffff
  }
  while (at < bytes.length) {
    const [name, value] = [length(), length()]
    found[bytes.toString('utf8', at, at + name)] = bytes.toString('utf8', at + name, at + name + value)
    at += name + value
  }
  return found
}
