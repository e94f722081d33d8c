// A FastCGI client, record by record (FastCGI 1.0).
//
//   fcgi(path, params, opt)        one request on a connection of its own → FcgiReply
//   FcgiConnection                 raw records: await FcgiConnection.open(path); send(bytes); reply(); end()
//   record(type, id, content, padding), begin(id, role, flags), params(object | pairs), stdin(content)
//                                  records as Buffers; fcgiRequest(…) is a whole request
import net from 'node:net'
import { until } from './until.mjs'

export const FCGI = {
  BEGIN: 1, ABORT: 2, END: 3, PARAMS: 4, STDIN: 5, STDOUT: 6, STDERR: 7, DATA: 8, GET_VALUES: 9, GET_VALUES_RESULT: 10, UNKNOWN_TYPE: 11,
  RESPONDER: 1, AUTHORIZER: 2, FILTER: 3, KEEP: 1, COMPLETE: 0, CANT_MPX: 1, OVERLOADED: 2, UNKNOWN_ROLE: 3
}

export function record (type, id, content = Buffer.alloc(0), padding = 0) {
  const bytes = Buffer.from(content)
  const header = Buffer.from([1, type, id >> 8, id & 255, bytes.length >> 8, bytes.length & 255, padding, 0])
  return Buffer.concat([header, bytes, Buffer.alloc(padding, 0x5a)])
}

export const begin = (id, role = FCGI.RESPONDER, flags = 0) =>
  record(FCGI.BEGIN, id, Buffer.from([role >> 8, role & 255, flags, 0, 0, 0, 0, 0]))

// A length of a name-value pair; `long` writes four bytes where one would do.
export function pairLength (n, long = n > 127) {
  if (!long) return Buffer.from([n])
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE((n | 0x80000000) >>> 0)
  return bytes
}

export function pairs (given) {
  const list = Array.isArray(given) ? given : Object.entries(given)
  return Buffer.concat(list.flatMap(([name, value]) => {
    const n = Buffer.from(name)
    const v = Buffer.from(value)
    return [pairLength(n.length), pairLength(v.length), n, v]
  }))
}

function stream (type, id, content, most, padding) {
  const bytes = Buffer.from(content)
  const parts = []
  for (let at = 0; at < bytes.length; at += most) parts.push(record(type, id, bytes.subarray(at, at + most), padding))
  return Buffer.concat([...parts, record(type, id)])
}

export const params = (id, given, { most = 65535, padding = 0 } = {}) => stream(FCGI.PARAMS, id, pairs(given), most, padding)
export const stdin = (id, content = '', { most = 65535, padding = 0 } = {}) => stream(FCGI.STDIN, id, content, most, padding)

export const cgi = (method, target, extra = {}) => ({
  GATEWAY_INTERFACE: 'CGI/1.1', SERVER_PROTOCOL: 'HTTP/1.1', REQUEST_METHOD: method, REQUEST_URI: target,
  QUERY_STRING: target.split('?')[1] ?? '', HTTP_HOST: 'localhost', SERVER_NAME: 'localhost', REMOTE_ADDR: '127.0.0.1', ...extra
})

export function fcgiRequest (given, { id = 1, keep = false, body = '', role = FCGI.RESPONDER, ...shape } = {}) {
  return Buffer.concat([begin(id, role, keep ? FCGI.KEEP : 0), params(id, given, shape), stdin(id, body, shape)])
}

export class FcgiConnection {
  static async open (socketPath) {
    const c = new FcgiConnection()
    c.bytes = Buffer.alloc(0)
    c.closed = false
    c.socket = net.connect({ path: socketPath })
    c.socket.on('data', part => { c.bytes = Buffer.concat([c.bytes, part]); c.wake?.() })
    c.socket.on('close', () => { c.closed = true; c.wake?.() })
    c.socket.on('error', () => {})
    await new Promise((resolve, reject) => { c.socket.once('connect', resolve); c.socket.once('error', reject) })
    return c
  }

  send (...buffers) {
    if (this.socket.writable) this.socket.write(Buffer.concat(buffers))
    return this
  }

  end () { this.socket.end(); return this }
  destroy () { this.socket.destroy() }

  // The next record, or null when the other side has closed.
  async next (timeoutMs = 15000) {
    const deadline = Date.now() + timeoutMs
    for (;;) {
      if (this.bytes.length >= 8) {
        const length = this.bytes.readUInt16BE(4)
        const size = 8 + length + this.bytes[6]
        if (this.bytes.length >= size) {
          const r = { version: this.bytes[0], type: this.bytes[1], id: this.bytes.readUInt16BE(2), content: this.bytes.subarray(8, 8 + length) }
          this.bytes = this.bytes.subarray(size)
          return r
        }
      }
      if (this.closed) return null
      const left = deadline - Date.now()
      if (left <= 0) throw new Error(`no record within ${timeoutMs} ms`)
      await new Promise(resolve => {
        const timer = setTimeout(resolve, left)
        this.wake = () => { clearTimeout(timer); resolve() }
      })
    }
  }

  // Everything up to FCGI_END_REQUEST of `id`; null when the connection closed before.
  async reply (id = 1, timeoutMs = 15000) {
    const out = []
    for (;;) {
      const r = await this.next(timeoutMs)
      if (r === null) return null
      if (r.id === id && r.type === FCGI.STDOUT) out.push(r.content)
      if (r.id === id && r.type === FCGI.END) return cgiReply(Buffer.concat(out), r.content)
    }
  }

  async untilClosed (timeoutMs = 15000) {
    await until('the handler closes the connection', () => this.closed, timeoutMs)
  }
}

function cgiReply (bytes, ending) {
  const at = bytes.indexOf('\r\n\r\n')
  const head = bytes.subarray(0, Math.max(at, 0)).toString('latin1')
  const body = at < 0 ? bytes : bytes.subarray(at + 4)
  const headers = Object.fromEntries(head.split('\r\n').map(line => [line.split(':')[0].toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]))
  return {
    status: Number(headers.status?.slice(0, 3) ?? 0), headers, head, body, text: body.toString(), json: () => JSON.parse(body.toString()),
    appStatus: ending.readUInt32BE(0), protocolStatus: ending[4]
  }
}

export async function fcgi (socketPath, given, options = {}) {
  const c = await FcgiConnection.open(socketPath)
  try { return await c.send(fcgiRequest(given, options)).reply(options.id ?? 1, options.timeoutMs) } finally { c.destroy() }
}
