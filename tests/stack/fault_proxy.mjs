// Between the handlers and a server on loopback, and as bad a network as a test wants.  It is a process of its own:
// what starts handlers waits for some of them without letting anything else run.
//   startFaultProxy(target)    → FaultProxy, which passes everything on until it is told otherwise
//     proxy.url                http://127.0.0.1:PORT, the same all along
//     proxy.keys               a URL that gives keys for AWS as a container's endpoint does
//     proxy.give(keys)         { id, secret, session }: these, from now on
//     proxy.set(fault)         what happens to each call from now on; undefined: nothing.  A fault:
//         share                of the calls, 0 to 1 (1): evenly, not by chance
//         session              only those signed with this session token
//         delayMs              passed on as late
//         answer: { status, type, message }   an error of AWS's, and nothing is passed on
//         hang                 nothing is passed on and nothing is answered
//         cut                  passed on, and of the reply all but the end comes
//         garbage, badCrc      passed on, and something else comes
//     proxy.die(), proxy.rise()   nobody listens any more; somebody does again
//     proxy.counts()           { faults, gifts }: calls it did that to, keys given
//     proxy.stop()
// All of them are promises.
import { fork } from 'node:child_process'
import http from 'node:http'
import zlib from 'node:zlib'
import { fileURLToPath } from 'node:url'
import { cleanUp } from './harness.mjs'

const AWS = 'com.amazonaws.dynamodb.v20120810#'
const sleep = ms => new Promise(resolve => setTimeout(resolve, ms))

function readAll (stream) {
  return new Promise((resolve, reject) => {
    const parts = []
    stream.on('data', part => parts.push(part))
    stream.once('end', () => resolve(Buffer.concat(parts)))
    stream.once('error', reject)
    stream.once('aborted', () => reject(new Error('cut')))
  })
}

class FaultProxy {
  constructor (target) {
    this.target = new URL(target)
    this.agent = new http.Agent({ keepAlive: true })
    this.faults = this.gifts = this.due = 0
  }

  give (keys) { this.keys = keys }
  counts () { return { faults: this.faults, gifts: this.gifts } }

  set (fault) {
    this.fault = fault
    this.due = 0
  }

  // The fault that this call gets, if it is its turn.
  take (req) {
    const fault = this.fault
    if (!fault || (fault.session && fault.session !== req.headers['x-amz-security-token'])) return undefined
    this.due += fault.share ?? 1
    if (this.due < 1) return undefined
    this.due -= 1
    this.faults++
    return fault
  }

  forward (req, body) {
    return new Promise((resolve, reject) => {
      const onward = http.request({
        hostname: this.target.hostname, port: this.target.port, method: req.method, path: req.url,
        headers: req.rawHeaders, setHost: false, agent: this.agent
      }, reply => readAll(reply).then(bytes => resolve({ status: reply.statusCode, headers: reply.headers, bytes }), reject))
      onward.once('error', reject)
      onward.end(body)
    })
  }

  async serve (req, res) {
    const body = await readAll(req)
    if (req.url === '/keys') return this.sendKeys(res)
    const fault = this.take(req)
    if (fault?.hang) return
    if (fault?.answer) return send(res, refusal(fault.answer))
    if (fault?.delayMs) await sleep(fault.delayMs)
    const reply = await this.forward(req, body)
    if (fault?.garbage) reply.bytes = Buffer.from('<html>no reply of a store</html>')
    if (fault?.badCrc) reply.headers['x-amz-crc32'] = String((Number(reply.headers['x-amz-crc32']) ^ 1) >>> 0)
    if (!fault?.cut) return send(res, reply)
    res.writeHead(reply.status, { ...reply.headers, 'content-length': reply.bytes.length + 1 })
    res.write(reply.bytes, () => req.socket.destroy())
  }

  sendKeys (res) {
    this.gifts++
    const { id, secret, session } = this.keys
    const end = new Date(Date.now() + 6 * 3600e3).toISOString()
    res.end(JSON.stringify({ AccessKeyId: id, SecretAccessKey: secret, Token: session, Expiration: end }))
  }

  rise (port = this.port) {
    this.server = http.createServer((req, res) => this.serve(req, res).catch(() => req.socket.destroy()))
    this.server.keepAliveTimeout = 600000
    this.server.on('connection', socket => socket.setNoDelay(true))
    return new Promise((resolve, reject) => {
      this.server.once('error', reject)
      this.server.listen(port, '127.0.0.1', () => {
        this.port = this.server.address().port
        resolve(this.port)
      })
    })
  }

  die () {
    return new Promise(resolve => {
      this.server.close(() => resolve())
      this.server.closeAllConnections()
    })
  }
}

function refusal ({ status, type, message = 'on demand' }) {
  const bytes = Buffer.from(JSON.stringify({ __type: AWS + type, message }))
  return { status, bytes, headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-crc32': String(zlib.crc32(bytes)) } }
}

function send (res, { status, headers, bytes }) {
  res.writeHead(status, { ...headers, 'content-length': bytes.length })
  res.end(bytes)
}

export async function startFaultProxy (target) {
  const child = fork(fileURLToPath(import.meta.url), [target])
  const waiting = new Map()
  let serial = 0
  cleanUp(() => child.kill('SIGKILL'))
  child.on('message', ({ id, value, error }) => {
    const { resolve, reject } = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) resolve(value)
    else reject(new Error(error))
  })
  const ask = (verb, argument) => new Promise((resolve, reject) => {
    waiting.set(++serial, { resolve, reject })
    child.send({ id: serial, verb, argument })
  })
  const url = `http://127.0.0.1:${await ask('rise', 0)}`
  return {
    url, keys: `${url}/keys`, give: keys => ask('give', keys), set: fault => ask('set', fault), counts: () => ask('counts'),
    die: () => ask('die'), rise: () => ask('rise'), stop: () => { child.kill('SIGKILL') }
  }
}

if (process.send && process.argv[1] === fileURLToPath(import.meta.url)) {
  const proxy = new FaultProxy(process.argv[2])
  process.on('disconnect', () => process.exit(0))
  process.on('message', async ({ id, verb, argument }) => {
    try {
      process.send({ id, value: await proxy[verb](argument) })
    } catch (e) {
      process.send({ id, error: e.message })
    }
  })
}
