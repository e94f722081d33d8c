// A DynamoDB on loopback for tests: dynalite, and what it lacks: signatures that are checked, TransactWriteItems with its
// token, TimeToLive, and faults on demand.
//   startDynamoDb()    one in this process → DynamoDb
//     db.endpoint;  db.env   settings for the handlers, without STORE;  db.stop()
//     db.calls         [{ operation, connection }] that came;  db.fault(f)
//   Alone (node dynamodb_server.mjs): writes its port and a newline, and ends with its standard input.
// A fault, also as POST /_fault: { operation?, n = 1, skip = 0, … } is what happens to the next n calls (of the operation,
// after `skip` others), one of
//     status, type, message      is answered, and nothing done
//     reasons: [code]            a transaction cancelled for these
//     cut: 'before' | 'after' | 'middle'   hangs up without having done it, having done it, or in the middle of the reply
//     delayMs                    answers later; with hang: true never, having done it
//     crc: true, garbage: true   a wrong checksum, no JSON
//     answer: {…}                is answered instead, having done it
//     unprocessed: k             of a BatchGetItem, k keys are left over
// POST /_reset forgets faults that did not happen.  GET /_calls: how often each operation was called.  GET /_units: what
// AWS would charge for them (dynamodb_units.mjs), but for queries of the partitions that POST /_spare { pks } names.
import { createHash, createHmac, randomUUID } from 'node:crypto'
import http from 'node:http'
import { createRequire } from 'node:module'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import zlib from 'node:zlib'
import { Meter } from './dynamodb_units.mjs'

const require = createRequire(import.meta.url)
const db = require('dynalite/db')
const validations = require('dynalite/validations')

export const KEY = 'AKIDQUIVERTEST', SECRET = 'a-secret-of-the-tests-alone', REGION = 'eu-west-1'
const AWS = 'com.amazonaws.dynamodb.v20120810#', CORAL = 'com.amazon.coral.service#'
const OPERATIONS = ['BatchGetItem', 'CreateTable', 'DeleteItem', 'DeleteTable', 'DescribeTable', 'GetItem', 'PutItem', 'Query', 'Scan', 'UpdateItem', 'BatchWriteItem', 'ListTables']
const lower = name => name[0].toLowerCase() + name.slice(1)
const actions = Object.fromEntries(OPERATIONS.map(name => [name, require(`dynalite/actions/${lower(name)}`)]))
const rules = Object.fromEntries(OPERATIONS.map(name => [name, require(`dynalite/validations/${lower(name)}`)]))

class Refusal extends Error {
  constructor (type, message, more = {}, status = 400) {
    super(message)
    this.statusCode = status
    this.body = { __type: type, message, ...more }
  }
}
const invalid = message => new Refusal('com.amazon.coral.validate#ValidationException', message)

// --- signatures (Signature Version 4) ---------------------------------------------------------------------------

const hmac = (key, text) => createHmac('sha256', key).update(text).digest()
const sha = bytes => createHash('sha256').update(bytes).digest('hex')

function checkSignature (req, body) {
  const m = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d+)\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=(\w+)/
    .exec(req.headers.authorization ?? '')
  if (!m) throw new Refusal(CORAL + 'MissingAuthenticationTokenException', 'Request is missing Authentication Token')
  const [, key, day, region, service, signed, signature] = m
  if (key !== KEY) throw new Refusal(CORAL + 'UnrecognizedClientException', 'The security token included in the request is invalid.')
  const date = req.headers['x-amz-date'] ?? ''
  const age = Date.now() - Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
  const headers = signed.split(';').map(h => `${h}:${String(req.headers[h] ?? '').trim().replace(/ +/g, ' ')}\n`).join('')
  const canonical = [req.method, '/', '', headers, signed, sha(body)].join('\n')
  const scope = `${day}/${region}/${service}/aws4_request`
  const derived = [day, region, service, 'aws4_request'].reduce(hmac, 'AWS4' + SECRET)
  const expected = hmac(derived, ['AWS4-HMAC-SHA256', date, scope, sha(canonical)].join('\n')).toString('hex')
  if (!(Math.abs(age) < 900e3) || region !== REGION || service !== 'dynamodb' || expected !== signature || !signed.includes('x-amz-target')) {
    throw new Refusal(CORAL + 'InvalidSignatureException', 'The request signature we calculated does not match the signature you provided.')
  }
}

// --- operations ---------------------------------------------------------------------------------------------------

class Tables {
  constructor () {
    this.store = db.create({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 })
    this.tokens = new Map()
    this.ttl = new Map()
    this.chain = Promise.resolve()
    this.meter = new Meter()
  }

  // One after the other: a transaction is seen whole or not at all.
  alone (fn) {
    const done = this.chain.then(fn, fn)
    this.chain = done.catch(() => {})
    return done
  }

  check (operation, data) {
    const { types, custom } = rules[operation]
    const checked = validations.checkTypes(data, types)
    validations.checkValidations(checked, types, custom, this.store)
    return checked
  }

  act (operation, checked) {
    return new Promise((resolve, reject) => actions[operation](this.store, checked, (e, reply) => e ? reject(e) : resolve(reply)))
  }

  async call (operation, data, fault) {
    if (operation === 'TransactWriteItems') return this.transact(data)
    if (operation === 'UpdateTimeToLive') {
      await this.act('DescribeTable', this.check('DescribeTable', { TableName: data.TableName }))
      this.ttl.set(data.TableName, data.TimeToLiveSpecification)
      return { TimeToLiveSpecification: data.TimeToLiveSpecification }
    }
    if (operation === 'DescribeTimeToLive') {
      const t = this.ttl.get(data.TableName)
      return { TimeToLiveDescription: t ? { TimeToLiveStatus: 'ENABLED', AttributeName: t.AttributeName } : { TimeToLiveStatus: 'DISABLED' } }
    }
    if (!OPERATIONS.includes(operation)) throw new Refusal(CORAL + 'UnknownOperationException', '')
    if (operation === 'BatchGetItem' && fault?.unprocessed) return this.partialBatch(data, fault.unprocessed)
    return this.meter.take(operation, data, () => this.act(operation, this.check(operation, data)))
  }

  async partialBatch (data, left) {
    const [[table, request]] = Object.entries(data.RequestItems)
    const over = request.Keys.splice(-left)
    const reply = request.Keys.length
      ? await this.act('BatchGetItem', this.check('BatchGetItem', data)) : { Responses: { [table]: [] } }
    return { ...reply, UnprocessedKeys: { [table]: { ...request, Keys: over } } }
  }

  // Each part checked as its own operation is; whether its condition holds; which item it is of.
  async prepare (item, seen) {
    const [[kind, given]] = Object.entries(item)
    const operation = { Put: 'PutItem', Update: 'UpdateItem', Delete: 'DeleteItem', ConditionCheck: 'DeleteItem' }[kind]
    if (!operation) throw invalid(`${kind} is no part of a transaction`)
    if (kind === 'ConditionCheck' && !given.ConditionExpression) throw invalid('a ConditionCheck has a condition')
    const checked = this.check(operation, structuredClone(given))
    const table = await this.act('DescribeTable', this.check('DescribeTable', { TableName: given.TableName }))
    const names = table.Table.KeySchema.map(k => k.AttributeName)
    const key = given.Key ?? Object.fromEntries(names.map(name => [name, given.Item[name]]))
    const id = JSON.stringify([given.TableName, ...names.map(name => key[name])])
    if (seen.has(id)) throw invalid('Transaction request cannot include multiple operations on one item')
    seen.add(id)
    const found = await this.act('GetItem', this.check('GetItem', { TableName: given.TableName, Key: key, ConsistentRead: true }))
    this.meter.prepared(kind, found.Item)
    return { kind, operation, checked, failed: Boolean(db.checkConditional(checked, found.Item)) }
  }

  async transact ({ TransactItems: items = [], ClientRequestToken: token }) {
    if (items.length < 1 || items.length > 100) throw invalid('Member must have length less than or equal to 100')
    const digest = sha(JSON.stringify(items))
    if (token && this.tokens.has(token)) {
      if (this.tokens.get(token) !== digest) throw new Refusal(AWS + 'IdempotentParameterMismatchException', '')
      return {}
    }
    return this.meter.transaction(async () => {
      const seen = new Set(), parts = []
      for (const item of items) parts.push(await this.prepare(item, seen))
      if (parts.some(p => p.failed)) cancel(parts.map(p => p.failed ? 'ConditionalCheckFailed' : 'None'))
      for (const p of parts) if (p.kind !== 'ConditionCheck') await this.act(p.operation, p.checked)
      if (token) this.tokens.set(token, digest)
      return {}
    })
  }
}

function cancel (codes) {
  throw new Refusal(AWS + 'TransactionCanceledException',
    `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes.join(', ')}]`,
    { CancellationReasons: codes.map(Code => ({ Code })) })
}

// --- the server -----------------------------------------------------------------------------------------------------

const sleep = ms => new Promise(resolve => setTimeout(resolve, ms))

class Server {
  tables = new Tables()
  faults = []
  calls = []
  connections = 0

  fault (f) { this.faults.push({ n: 1, skip: 0, ...f }) }

  takeFault (operation) {
    const f = this.faults.find(g => g.operation === undefined || g.operation === operation)
    if (!f) return undefined
    if (f.skip > 0) { f.skip--; return undefined }
    if (--f.n <= 0) this.faults.splice(this.faults.indexOf(f), 1)
    return f
  }

  async answer (operation, data, fault) {
    if (fault?.reasons) cancel(fault.reasons)
    if (fault?.status) throw new Refusal(AWS + (fault.type ?? 'InternalServerError'), fault.message ?? 'on demand', {}, fault.status)
    return this.tables.alone(() => this.tables.call(operation, data, fault))
  }

  async reply (req, body, operation, fault) {
    try {
      checkSignature(req, body)
      return { status: 200, body: await this.answer(operation, JSON.parse(body), fault) }
    } catch (e) {
      if (!e.statusCode) throw e
      return { status: e.statusCode, body: e.body }
    }
  }

  async serve (req, res, body) {
    const operation = (req.headers['x-amz-target'] ?? '').split('.')[1]
    this.calls.push({ operation, connection: req.socket.number })
    const fault = this.takeFault(operation)
    if (fault?.cut === 'before') return req.socket.destroy()
    const r = await this.reply(req, body, operation, fault)
    if (fault?.delayMs) await sleep(fault.delayMs)
    if (fault?.hang) return
    if (fault?.cut === 'after') return req.socket.destroy()
    const bytes = Buffer.from(fault?.garbage ? '<html>no JSON</html>' : JSON.stringify(fault?.answer ?? r.body))
    const crc = (zlib.crc32 ?? require('buffer-crc32').unsigned)(bytes)
    res.writeHead(r.status, {
      'Content-Type': 'application/x-amz-json-1.0', 'Content-Length': bytes.length, 'x-amzn-RequestId': randomUUID(),
      'x-amz-crc32': fault?.crc ? (crc ^ 1) >>> 0 : crc
    })
    if (fault?.cut === 'middle') return res.write(bytes.subarray(0, bytes.length / 2), () => req.socket.destroy())
    res.end(bytes)
  }

  control (req, res, body) {
    if (req.url === '/_fault') this.fault(JSON.parse(body))
    if (req.url === '/_reset') this.faults = []
    if (req.url === '/_spare') this.tables.meter.spared = JSON.parse(body).pks
    const counts = {}
    for (const c of this.calls) counts[c.operation] = (counts[c.operation] ?? 0) + 1
    const text = JSON.stringify(req.url === '/_units' ? this.tables.meter.totals : counts)
    res.writeHead(200, { 'Content-Length': Buffer.byteLength(text) }).end(text)
  }

  listen () {
    this.http = http.createServer((req, res) => {
      const parts = []
      req.on('data', part => parts.push(part))
      req.on('end', () => {
        const body = Buffer.concat(parts)
        if (req.url.startsWith('/_')) return this.control(req, res, body)
        this.serve(req, res, body).catch(e => { console.error(e); req.socket.destroy() })
      })
    })
    this.http.keepAliveTimeout = 600000
    this.http.on('connection', socket => { socket.number = ++this.connections; socket.setNoDelay(true) })
    return new Promise(resolve => this.http.listen(0, '127.0.0.1', () => resolve(this.http.address().port)))
  }
}

export async function startDynamoDb () {
  const server = new Server()
  const endpoint = `http://127.0.0.1:${await server.listen()}`
  return {
    endpoint,
    env: { AWS_REGION: REGION, AWS_ACCESS_KEY_ID: KEY, AWS_SECRET_ACCESS_KEY: SECRET, DYNAMODB_ENDPOINT: endpoint },
    get calls () { return server.calls },
    fault: f => server.fault(f),
    stop: () => { server.http.closeAllConnections(); server.http.close() }
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const port = await new Server().listen()
  process.stdout.write(`${port}\n`)
  process.stdin.resume().on('end', () => process.exit(0))
}
