// FastCGI to the letter: a client of our own sends raw records.  After whatever it sent, the next request is
// answered by the same process.
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { FCGI, FcgiConnection, begin, cgi, descriptorsOf, fcgiRequest, pairLength, pairs, params, record, startHandler, stdin, until } from './harness.mjs'

const LOGIN = '{"email":"nobody@example.com","password":"not this one either"}'
const login = (body = LOGIN, extra = {}) => cgi('POST', '/v1/auth/login', { CONTENT_TYPE: 'application/json', CONTENT_LENGTH: String(Buffer.byteLength(body)), ...extra })
const get = (extra = {}) => cgi('GET', '/v1/auth/me', extra)

// A generator with a seed: a run that failed can be repeated.
const SEED = Number(process.env.SEED ?? 20240229)
function random (seed) {
  let a = seed >>> 0
  return n => {
    a = (a + 0x6d2b79f5) >>> 0
    let t = Math.imul(a ^ a >>> 15, 1 | a)
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t
    return ((t ^ t >>> 14) >>> 0) % n
  }
}

describe('one handler', () => {
  let auth, pid
  before(async () => {
    auth = await startHandler('auth', { env: { THREADS: '2', IO_TIMEOUT_S: '1' } })
    pid = auth.pid
  })
  after(async () => {
    const end = await auth.stop()
    assert.deepEqual([end.code, end.signal], [0, null])
  })
  const open = () => FcgiConnection.open(auth.socket)
  const answered = async () => {
    const reply = await auth.fcgi(get())
    assert.equal(reply?.status, 401)
    assert.equal(auth.child.exitCode, null)
    assert.equal(auth.pid, pid)
  }
  afterEach(answered)

  async function send (...buffers) {
    const c = await open()
    c.send(...buffers)
    return c
  }

  describe('shapes of a good request', () => {
    test('byte by byte', async () => {
      const c = await open()
      c.socket.setNoDelay?.(true)
      for (const byte of fcgiRequest(get())) {
        c.send(Buffer.from([byte]))
        await new Promise(setImmediate)
      }
      assert.equal((await c.reply()).status, 401)
    })

    test('variables a byte a record', async () => {
      const c = await send(fcgiRequest(get(), { most: 1, padding: 7 }))
      assert.equal((await c.reply()).status, 401)
    })

    test('a body a byte a record, with padding', async () => {
      const c = await send(fcgiRequest(login(), { body: LOGIN, most: 1, padding: 255 }))
      assert.equal((await c.reply()).status, 401)
    })

    test('records of 65,535 bytes with 255 of padding', async () => {
      const many = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`HTTP_X_${i}`, 'v'.repeat(5000)]))
      const body = JSON.stringify({ email: 'nobody@example.com', password: 'x'.repeat(65535 * 3) })
      const bytes = fcgiRequest(login(body, { ...many, HTTP_X_REQUEST_ID: 'the-last' }), { body, most: 65535, padding: 255 })
      const reply = await (await send(bytes)).reply()
      assert.equal(reply.status, 413)
      assert.equal(reply.headers['x-request-id'], 'the-last')
    })

    for (const length of [1, 127, 128]) {
      test(`a value of ${length} bytes`, async () => {
        const id = 'r'.repeat(length)
        const reply = await auth.fcgi(get({ HTTP_X_REQUEST_ID: id }))
        assert.equal(reply.headers['x-request-id'], id)
      })
    }

    for (const length of [127, 128, 300, 5000]) {
      test(`a name of ${length} bytes`, async () => {
        const reply = await auth.fcgi(get({ [`HTTP_${'N'.repeat(length - 5)}`]: 'v', HTTP_X_REQUEST_ID: 'here' }))
        assert.equal(reply.headers['x-request-id'], 'here')
      })
    }

    test('short lengths written long', async () => {
      const list = Object.entries(get({ HTTP_X_REQUEST_ID: 'long-form' })).map(([n, v]) =>
        Buffer.concat([pairLength(n.length, true), pairLength(v.length, true), Buffer.from(n), Buffer.from(v)]))
      const c = await send(begin(1), record(FCGI.PARAMS, 1, Buffer.concat(list)), record(FCGI.PARAMS, 1), stdin(1))
      assert.equal((await c.reply()).headers['x-request-id'], 'long-form')
    })

    test('any request id', async () => {
      for (const id of [1, 255, 256, 65535]) {
        const c = await send(fcgiRequest(get(), { id }))
        assert.equal((await c.reply(id)).status, 401)
      }
    })

    test('a body of unknown length', async () => {
      for (const CONTENT_LENGTH of ['', '-1', undefined]) {
        const given = login(LOGIN, { CONTENT_LENGTH })
        if (CONTENT_LENGTH === undefined) delete given.CONTENT_LENGTH
        assert.equal((await auth.fcgi(given, { body: LOGIN })).status, 401, `${CONTENT_LENGTH}`)
      }
    })

    test('the reply ends with its records in order', async () => {
      const c = await send(fcgiRequest(get()))
      const types = []
      for (let r = await c.next(); r !== null; r = await c.next()) types.push([r.type, r.content.length > 0, r.id, r.version])
      assert.deepEqual(types, [[FCGI.STDOUT, true, 1, 1], [FCGI.STDOUT, false, 1, 1], [FCGI.END, true, 1, 1]])
    })
  })

  describe('connections', () => {
    test('without FCGI_KEEP_CONN it closes after the reply', async () => {
      const c = await send(fcgiRequest(get()))
      assert.equal((await c.reply()).status, 401)
      await c.untilClosed()
    })

    test('two requests, one after the other', async () => {
      const c = await open()
      assert.equal((await c.send(fcgiRequest(get(), { keep: true })).reply()).status, 401)
      assert.equal((await c.send(fcgiRequest(login(), { body: LOGIN, id: 2, keep: true })).reply(2)).status, 401)
      assert.equal(c.closed, false)
      c.destroy()
    })

    test('a hundred requests, the last of which closes', async () => {
      const c = await open()
      for (let i = 1; i <= 99; i++) assert.equal((await c.send(fcgiRequest(get(), { id: i, keep: true })).reply(i)).status, 401)
      assert.equal((await c.send(fcgiRequest(get(), { id: 100 })).reply(100)).status, 401)
      await c.untilClosed()
    })

    test('three requests sent at once are all answered, in order', async () => {
      const c = await open()
      c.send(...[1, 2, 3].map(id => fcgiRequest(get({ HTTP_X_REQUEST_ID: `ahead-${id}` }), { id, keep: true })))
      for (const id of [1, 2, 3]) assert.equal((await c.reply(id)).headers['x-request-id'], `ahead-${id}`)
      c.destroy()
    })

    test('a second request inside the first is refused, and the first answered', async () => {
      const c = await send(begin(1, FCGI.RESPONDER, FCGI.KEEP), params(1, login()), begin(2), stdin(1, LOGIN))
      const first = await c.next()
      assert.deepEqual([first.type, first.id, first.content[4]], [FCGI.END, 2, FCGI.CANT_MPX])
      assert.equal((await c.reply(1)).status, 401)
      c.destroy()
    })

    test('connections that say nothing hold no worker', async () => {
      const silent = await Promise.all(Array.from({ length: 50 }, open))
      for (let i = 0; i < 10; i++) await answered()
      assert.ok(silent.every(c => !c.closed))
      silent.forEach(c => c.destroy())
    })

    test('kept connections that fall silent hold no worker', async () => {
      const kept = await Promise.all(Array.from({ length: 20 }, open))
      for (const c of kept) assert.equal((await c.send(fcgiRequest(get(), { keep: true })).reply()).status, 401)
      for (let i = 0; i < 10; i++) await answered()
      for (const c of kept) assert.equal((await c.send(fcgiRequest(get(), { id: 7, keep: true })).reply(7)).status, 401)
      kept.forEach(c => c.destroy())
    })

    test('silence inside a request ends the connection after IO_TIMEOUT_S', async () => {
      const whole = fcgiRequest(login(), { body: LOGIN })
      for (const bytes of [3, 12, 20, 100, whole.length - 4]) {
        const c = await send(whole.subarray(0, bytes))
        await c.untilClosed(8000)
      }
    })

    test('silence inside requests on every worker delays others by no more than IO_TIMEOUT_S', async () => {
      const stuck = await Promise.all(Array.from({ length: 6 }, () => send(fcgiRequest(get()).subarray(0, 40))))
      const began = Date.now()
      await answered()
      assert.ok(Date.now() - began < 10000)
      stuck.forEach(c => c.destroy())
    })
  })

  describe('to be ignored, or answered outside of requests', () => {
    test('FCGI_GET_VALUES', async () => {
      const c = await send(record(FCGI.GET_VALUES, 0, pairs({ FCGI_MAX_CONNS: '', FCGI_MAX_REQS: '', FCGI_MPXS_CONNS: '', NOPE: '' })))
      const r = await c.next()
      assert.deepEqual([r.type, r.id], [FCGI.GET_VALUES_RESULT, 0])
      const text = r.content.toString('latin1')
      assert.match(text, /FCGI_MAX_CONNS\d+/)
      assert.match(text, /FCGI_MPXS_CONNS0/)
      assert.doesNotMatch(text, /NOPE/)
      assert.equal((await c.send(fcgiRequest(get())).reply()).status, 401)
    })

    test('FCGI_GET_VALUES of nothing, of nonsense and of 65,535 bytes', async () => {
      for (const content of [Buffer.alloc(0), Buffer.from([255, 255, 255, 255, 255, 255]), Buffer.alloc(65535, 1)]) {
        const c = await send(record(FCGI.GET_VALUES, 0, content, 200))
        assert.equal((await c.next()).type, FCGI.GET_VALUES_RESULT)
        assert.equal((await c.send(fcgiRequest(get())).reply()).status, 401)
      }
    })

    for (const type of [0, 12, 100, 255]) {
      test(`a management record of type ${type}`, async () => {
        const c = await send(record(type, 0, 'what is this', 4))
        const r = await c.next()
        assert.deepEqual([r.type, r.id, r.content[0]], [FCGI.UNKNOWN_TYPE, 0, type])
        assert.equal((await c.send(fcgiRequest(get())).reply()).status, 401)
      })
    }

    for (const [name, role] of [['authorizer', FCGI.AUTHORIZER], ['filter', FCGI.FILTER], ['0', 0], ['99', 99], ['65535', 65535]]) {
      test(`the role ${name} is unknown`, async () => {
        const c = await send(fcgiRequest(get(), { role }))
        const reply = await c.reply()
        assert.equal(reply.protocolStatus, FCGI.UNKNOWN_ROLE)
        await c.untilClosed()
      })
    }

    test('an unknown role whose record comes in two parts', async () => {
      const bytes = fcgiRequest(get(), { role: FCGI.FILTER })
      const c = await send(bytes.subarray(0, 9))
      await new Promise(resolve => setTimeout(resolve, 50))
      assert.equal((await c.send(bytes.subarray(9)).reply()).protocolStatus, FCGI.UNKNOWN_ROLE)
    })

    test('records of requests that are not under way', async () => {
      const c = await send(record(FCGI.ABORT, 5), stdin(9, 'late'), params(3, { A: 'B' }), fcgiRequest(get(), { keep: true }))
      assert.equal((await c.reply()).status, 401)
      assert.equal((await c.send(record(FCGI.ABORT, 1), fcgiRequest(get())).reply()).status, 401)
    })

    test('records of another request between those of this one', async () => {
      const c = await send(begin(1), record(FCGI.STDIN, 9, 'x'), params(1, get()), record(FCGI.PARAMS, 9, 'y', 3), stdin(1))
      assert.equal((await c.reply()).status, 401)
    })
  })

  describe('broken', () => {
    test('a request cut off after any byte', async () => {
      const whole = fcgiRequest(login(), { body: LOGIN, padding: 3 })
      for (let at = 0; at < whole.length; at += 25) {
        await Promise.all(Array.from({ length: Math.min(25, whole.length - at) }, async (_, i) => {
          const c = await send(whole.subarray(0, at + i))
          if (i % 2) c.end()
          else c.destroy()
        }))
        await answered()
      }
    })

    for (const [what, value] of [['name', [0xffffffff, 1]], ['value', [1, 0xffffffff]], ['name and value', [0xffffffff, 0xffffffff]], ['name of 2 GiB - 1 and value', [0xffffffff, 0x80000005]]]) {
      test(`variables whose ${what} says 4 GB`, async () => {
        const lengths = Buffer.concat(value.map(n => {
          if (n < 128) return Buffer.from([n])
          const b = Buffer.alloc(4)
          b.writeUInt32BE(n)
          return b
        }))
        const c = await send(begin(1), record(FCGI.PARAMS, 1, Buffer.concat([lengths, Buffer.from('NAMEVALUE')])), record(FCGI.PARAMS, 1), stdin(1))
        await c.untilClosed()
      })
    }

    test('lengths cut short', async () => {
      for (const bytes of [[0x80], [0x80, 0, 0], [5], [5, 0x80, 0], [5, 9, 65]]) {
        const c = await send(begin(1), record(FCGI.PARAMS, 1, Buffer.from(bytes)), record(FCGI.PARAMS, 1), stdin(1))
        await c.untilClosed()
      }
    })

    for (const [what, ...records] of [
      ['input before variables', begin(1), stdin(1, LOGIN), params(1, login())],
      ['variables without their end', begin(1), record(FCGI.PARAMS, 1, pairs(get())), stdin(1)],
      ['variables after input', begin(1), params(1, login()), record(FCGI.STDIN, 1, LOGIN), params(1, get())],
      ['output from the server', begin(1), record(FCGI.STDOUT, 1, 'x')],
      ['an end from the server', begin(1), record(FCGI.END, 1, Buffer.alloc(8))],
      ['data of a filter', begin(1), params(1, get()), record(FCGI.DATA, 1, 'x')],
      ['a begin of the wrong size', record(FCGI.BEGIN, 1, Buffer.alloc(7))],
      ['an empty begin', record(FCGI.BEGIN, 1)],
      ['a request of id 0', begin(0), params(0, get()), stdin(0)],
      ['an abort before the variables', begin(1), record(FCGI.ABORT, 1)],
      ['an abort among the variables', begin(1), record(FCGI.PARAMS, 1, pairs(get())), record(FCGI.ABORT, 1)],
      ['an abort in the input', begin(1), params(1, login()), record(FCGI.STDIN, 1, LOGIN.slice(0, 10)), record(FCGI.ABORT, 1)],
      ['another version', Buffer.from([2, 1, 0, 1, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0])],
      ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
      ['TLS', Buffer.from('1603010200010001fc0303', 'hex')]
    ]) {
      test(what, async () => {
        const c = await send(...records)
        c.end()
        await c.untilClosed()
      })
    }

    test('an abort in the input is answered or closed, at once', async () => {
      const began = Date.now()
      const c = await send(begin(1, FCGI.RESPONDER, FCGI.KEEP), params(1, login()), record(FCGI.STDIN, 1, LOGIN.slice(0, 10)), record(FCGI.ABORT, 1))
      const reply = await c.reply()
      assert.ok(reply === null || reply.status === 400, `${reply?.status}`)
      assert.ok(Date.now() - began < 900)
    })

    test('a body shorter than it says stores nothing and gets 400', async () => {
      const reply = await auth.fcgi(login(LOGIN, { CONTENT_LENGTH: '5000' }), { body: LOGIN })
      assert.equal(reply.status, 400, reply.text)
    })

    test('more variables than a request may have', async () => {
      const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`HTTP_X_${i}`, 'v']))
      const reply = await auth.fcgi(get(many))
      assert.equal(reply.status, 431)
      assert.equal(reply.json().status, 431)
    })

    test('variables that make no sense', async () => {
      for (const given of [[], [['', '']], [['=', '=']], [['REQUEST_METHOD', 'GET']], [['REQUEST_URI', '/v1/auth/me']],
        [...Object.entries(get()), ['HTTP_X\0Y', 'a\0b']], [['REQUEST_METHOD', '\0'], ['REQUEST_URI', '\0']]]) {
        const reply = await auth.fcgi(given)
        assert.ok(reply.status >= 400 && reply.status < 500, `${JSON.stringify(given)}: ${reply.status}`)
      }
    })

    test('300 connections of random bytes and mangled requests', async () => {
      const next = random(SEED)
      const whole = fcgiRequest(login(), { body: LOGIN, padding: 5 })
      for (let round = 0; round < 30; round++) {
        await Promise.all(Array.from({ length: 10 }, async () => {
          const bytes = next(2) ? Buffer.from(whole) : Buffer.from(Array.from({ length: next(400) }, () => next(256)))
          for (let i = next(8); i > 0 && bytes.length > 0; i--) bytes[next(bytes.length)] = next(256)
          const c = await send(bytes)
          c.end()
          await c.untilClosed(10000).catch(() => { throw new Error(`seed ${SEED}, round ${round}: open after ${bytes.toString('hex')}`) })
        }))
        await answered()
      }
    })

    test('no descriptor is left behind', async () => {
      await until('only what a fresh handler has', () => descriptorsOf(pid) < 60)
    })
  })
})

describe('a reader that does not read', () => {
  test('holds a worker for no longer than IO_TIMEOUT_S', async () => {
    const docs = await startHandler('docs', { env: { THREADS: '2', IO_TIMEOUT_S: '1' } })
    const big = cgi('GET', '/openapi.json')
    const size = (await docs.fcgi(big)).body.length
    const stuck = await Promise.all(Array.from({ length: 4 }, () => FcgiConnection.open(docs.socket)))
    for (const c of stuck) {
      c.socket.pause()
      // More than a socket holds: requests sent ahead, whose replies nobody takes.
      const wanted = Math.ceil(2000000 / size)
      for (let id = 1; id <= wanted; id++) c.send(fcgiRequest(big, { id, keep: true }))
    }
    const began = Date.now()
    assert.equal((await docs.fcgi(cgi('GET', '/nope'), { timeoutMs: 20000 })).status, 404)
    assert.ok(Date.now() - began < 15000)
    stuck.forEach(c => c.destroy())
    assert.equal((await docs.stop()).code, 0)
  })
})
