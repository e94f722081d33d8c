// How handlers start, stop and come back, what their flags say, and the one command that serves.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import {
  BUILD, FcgiConnection, HANDLERS, OWNER, TOP, binary, cgi, cleanUp, fcgi, fcgiRequest, freePort, httpRequest, makeRoot, runHandler,
  startHandler, startStack, temporaryFolder, until
} from './harness.mjs'

const LOGIN = JSON.stringify(OWNER)
const login = cgi('POST', '/v1/auth/login', { CONTENT_TYPE: 'application/json', CONTENT_LENGTH: String(LOGIN.length) })
const external = Boolean(process.env.QUIVER_URL)

describe('stopping', () => {
  test('shows its memory to nobody, in a core or otherwise, outside development', async () => {
    const owner = async (env) => {
      const health = await startHandler('health', { env })
      const { uid } = fs.statSync(`/proc/${health.pid}/mem`)
      await health.stop()
      return uid
    }
    assert.notEqual(await owner({}), 0)
    assert.equal(await owner({ ENVIRONMENT: 'staging', SECRET_KEY: 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=' }), 0)
  })

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGUSR1']) {
    test(`${signal} finishes what is in flight and exits 0`, async () => {
      const auth = await startHandler('auth')
      const whole = fcgiRequest(login, { body: LOGIN, keep: true })
      const c = await FcgiConnection.open(auth.socket)
      c.send(whole.subarray(0, whole.length - 20))
      await until('it is accepted', () => fs.readdirSync(`/proc/${auth.pid}/fd`).length > 0)
      auth.child.kill(signal)
      await until('it takes no more connections', () => !fs.existsSync(auth.socket))
      assert.equal(auth.child.exitCode, null)
      const reply = await c.send(whole.subarray(whole.length - 20)).reply()
      assert.equal(reply.status, 401)
      assert.deepEqual(await auth.exited, { code: 0, signal: null })
    })
  }

  test('idle connections do not delay it', async () => {
    const auth = await startHandler('auth', { env: { DRAIN_S: '30' } })
    const kept = await FcgiConnection.open(auth.socket)
    await kept.send(fcgiRequest(cgi('GET', '/v1/auth/me'), { keep: true })).reply()
    const silent = await FcgiConnection.open(auth.socket)
    const end = await auth.stop()
    assert.equal(end.code, 0)
    assert.ok(end.ms < 3000, `${end.ms} ms`)
    await kept.untilClosed()
    await silent.untilClosed()
  })

  test('what takes longer than DRAIN_S is cut off, and the exit is still 0', async () => {
    const auth = await startHandler('auth', { env: { DRAIN_S: '1', IO_TIMEOUT_S: '60' } })
    const c = await FcgiConnection.open(auth.socket)
    c.send(fcgiRequest(login, { body: LOGIN }).subarray(0, 100))
    await until('it has taken the bytes', async () => (await auth.fcgi(cgi('GET', '/v1/auth/me'))).status === 401)
    const end = await auth.stop()
    assert.equal(end.code, 0)
    assert.ok(end.ms < 5000, `${end.ms} ms`)
    assert.match(auth.stderr(), /"cut_off":1/)
  })

  test('start and stop are in the log', async () => {
    const health = await startHandler('health')
    await health.stop()
    const events = health.stderr().split('\n').filter(Boolean).map(line => JSON.parse(line).event)
    assert.deepEqual([events[0], events.at(-1)], ['start', 'stop'])
  })
})

describe('sockets', () => {
  const refused = async (address, root = makeRoot()) => runHandler('health', ['--listen', address], {}, root)

  test('a socket file has mode 0660 and is gone afterwards', async () => {
    const health = await startHandler('health')
    assert.equal(fs.statSync(health.socket).mode & 0o777, 0o660)
    await health.stop()
    assert.equal(fs.existsSync(health.socket), false)
  })

  test('a socket file that was left behind is replaced', async () => {
    const first = await startHandler('health')
    const { root, state, run, log, limits, socket } = first
    await first.stop('SIGKILL')
    assert.ok(fs.existsSync(socket))
    const second = await startHandler('health', { root: { root, state, run, log, limits }, args: ['--listen', socket] })
    await until('it answers', () => fcgi(socket, cgi('GET', '/health')))
    assert.equal((await second.stop()).code, 0)
  })

  test('a socket that somebody answers on is not', async () => {
    const first = await startHandler('health')
    const second = await refused(first.socket)
    assert.equal(second.code, 69)
    assert.match(second.stderr, /another process answers/)
    assert.equal((await first.fcgi(cgi('GET', '/health'))).status, 200)
    await first.stop()
  })

  test('a file that is no socket is left alone', async () => {
    const root = makeRoot()
    const file = path.join(root.run, 'precious')
    fs.writeFileSync(file, 'data')
    const end = await refused(file, root)
    assert.notEqual(end.code, 0)
    assert.match(end.stderr, /no socket/)
    assert.equal(fs.readFileSync(file, 'utf8'), 'data')
  })

  for (const address of ['0.0.0.0:0', '[::]:0', ':9000', '10.0.0.1:9000', 'localhost:9000', '127.0.0.1', '127.0.0.1:70000', '127.0.0.1:x', '']) {
    test(`"${address}" is no address for it`, async () => {
      const end = await refused(address)
      assert.equal(end.code, 78)
      assert.match(end.stderr, /127\.0\.0\.1:PORT/)
    })
  }

  test('a path that is too long says so', async () => {
    const end = await refused('/tmp/' + 'x'.repeat(200))
    assert.equal(end.code, 78)
    assert.match(end.stderr, /too long/)
  })

  for (const [address, host] of [['127.0.0.1:0', '127.0.0.1'], ['[::1]:0', '::1']]) {
    test(`${address} is the kernel's choice of a port, and the log says which`, async () => {
      const health = await startHandler('health', { args: ['--listen', address] })
      const said = await until('the address', () => /"address":"([^"]+):(\d+)"/.exec(health.stderr()))
      const socket = net.connect({ host, port: Number(said[2]) })
      await new Promise((resolve, reject) => { socket.once('connect', resolve); socket.once('error', reject) })
      const answer = new Promise(resolve => socket.once('data', resolve))
      socket.write(fcgiRequest(cgi('GET', '/health')))
      assert.match((await answer).toString('latin1'), /Status: 200/)
      socket.destroy()
      assert.equal((await health.stop()).code, 0)
    })
  }

  for (const [what, prepare] of [
    ['descriptor 0, as web servers pass it', { at: 0, shell: 'exec "$0"' }],
    ['descriptor 3, as systemd passes it', { at: 3, shell: 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$0"' }]
  ]) {
    test(`${what}`, async () => {
      const root = makeRoot()
      const socket = path.join(root.run, 'passed.sock')
      const server = net.createServer()
      await new Promise(resolve => server.listen(socket, resolve))
      const stdio = ['ignore', 'ignore', 'ignore', 'ignore']
      stdio[prepare.at] = server._handle.fd
      const child = spawn('sh', ['-c', prepare.shell, binary('health')], { stdio, env: { PATH: process.env.PATH, STATE_DIR: root.state } })
      cleanUp(() => child.kill('SIGKILL'))
      const exited = new Promise(resolve => child.once('exit', resolve))
      server._handle.unref()
      assert.equal((await until('it answers', () => answerOnce(socket, server))).status, 200)
      child.kill('SIGTERM')
      assert.equal(await exited, 0)
      server.close()
    })
  }

  // This process listens too and may be the one that is woken: it accepts nothing it would answer.
  async function answerOnce (socket, server) {
    server._handle.onconnection = (status, handle) => handle?.close()
    const reply = await fcgi(socket, cgi('GET', '/health'), { timeoutMs: 2000 })
    return reply
  }

  test('without any socket it says what to do', () => {
    const end = runHandler('health', [])
    assert.equal(end.code, 78)
    assert.match(end.stderr, /--listen ADDRESS/)
  })
})

describe('flags', () => {
  for (const name of HANDLERS) {
    test(`${name} --help`, () => {
      const { code, stdout } = runHandler(name, ['--help'])
      assert.equal(code, 0)
      for (const word of [name, '--listen', '--version', '--routes', '--prefixes', '--openapi', '--check-config', 'STATE_DIR', 'THREADS', 'DRAIN_S']) {
        assert.ok(stdout.includes(word), word)
      }
    })

    test(`${name} --version`, () => {
      const { code, stdout } = runHandler(name, ['--version'])
      assert.equal(code, 0)
      assert.match(stdout, new RegExp(`^${name} \\d+\\.\\d+\\.\\d+\\n$`))
    })

    test(`${name} --routes and --openapi say the same`, () => {
      const routes = runHandler(name, ['--routes']).stdout.trim().split('\n').map(line => line.split(/\s+/).slice(0, 2))
      const { openapi, paths } = JSON.parse(runHandler(name, ['--openapi']).stdout)
      assert.match(openapi, /^3\.1/)
      for (const [method, target] of routes) {
        const documented = paths[target.replace(/\*\}$/, '}')] ?? paths[target]
        assert.ok(documented?.[method.toLowerCase()], `${method} ${target}`)
      }
      assert.equal(routes.length, Object.values(paths).flatMap(p => Object.keys(p).filter(m => /^(get|put|post|patch|delete)$/.test(m))).length)
    })

    test(`${name} --prefixes covers its routes`, () => {
      const prefixes = runHandler(name, ['--prefixes']).stdout.trim().split('\n')
      assert.equal(new Set(prefixes).size, prefixes.length)
      for (const line of runHandler(name, ['--routes']).stdout.trim().split('\n')) {
        const target = line.split(/\s+/)[1]
        assert.ok(prefixes.some(p => target.startsWith(p)), target)
      }
    })

    test(`${name} --check-config`, () => {
      const { code, stdout } = runHandler(name, ['--check-config'])
      assert.equal(code, 0)
      assert.match(stdout, /settings are good/)
    })
  }

  test('no two handlers claim the same prefix', () => {
    const owners = new Map()
    for (const name of HANDLERS) {
      for (const prefix of runHandler(name, ['--prefixes']).stdout.trim().split('\n')) {
        assert.equal(owners.has(prefix), false, `${prefix}: ${owners.get(prefix)} and ${name}`)
        owners.set(prefix, name)
      }
    }
  })

  for (const args of [['--nope'], ['--listen'], ['--help', 'x'], ['x'], ['--listen', '/tmp/x', 'y'], ['']]) {
    test(`${JSON.stringify(args)} is no way to call it`, () => {
      const { code, stderr } = runHandler('health', args)
      assert.equal(code, 64)
      assert.match(stderr, /usage: health/)
    })
  }
})

describe('bad settings', () => {
  for (const [name, value, expected] of [
    ['THREADS', '0', /THREADS.*1 to/], ['THREADS', 'eight', /THREADS.*eight/], ['DRAIN_S', '-1', /DRAIN_S/],
    ['LOG_LEVEL', 'loud', /LOG_LEVEL.*debug/], ['ENVIRONMENT', 'prod', /ENVIRONMENT.*production/],
    ['TRUSTED_PROXIES', 'everybody', /TRUSTED_PROXIES.*everybody/], ['CORS_ORIGINS', 'example.com', /CORS_ORIGINS.*example\.com/],
    ['LIMITS', '/nowhere.json', /LIMITS.*nowhere/], ['STATE_DIR', '/nowhere/at/all', /STATE_DIR/], ['STORE', 'mysql:x', /STORE/]
  ]) {
    test(`${name}=${value}`, () => {
      for (const args of [['--check-config'], ['--listen', path.join(temporaryFolder(), 's')]]) {
        const { code, stderr } = runHandler('content', args, { [name]: value })
        assert.ok(code === 78 || code === 69, `${args[0]}: ${code} ${stderr}`)
        assert.match(stderr, expected)
      }
    })
  }

  test('a secret is not repeated', () => {
    const { code, stderr } = runHandler('content', ['--check-config'], { SECRET_KEY: 'hunter2hunter2' })
    assert.equal(code, 78)
    assert.match(stderr, /SECRET_KEY/)
    assert.doesNotMatch(stderr, /hunter2/)
  })

  test('all of them at once', () => {
    const { stderr } = runHandler('content', ['--check-config'], { THREADS: 'x', DRAIN_S: 'y' })
    assert.match(stderr, /THREADS/)
    assert.match(stderr, /DRAIN_S/)
  })
})

describe('behind lighttpd', { skip: external }, () => {
  let stack
  before(async () => { stack = await startStack('lighttpd') })
  after(() => stack?.stop())
  const health = () => stack.request('/health')

  // SIGABRT, not SIGSEGV: of the latter ASan makes a finding.
  for (const [what, signal] of [['crashed', 'SIGABRT'], ['killed', 'SIGKILL'], ['stopped', 'SIGTERM']]) {
    test(`a handler that was ${what} is back by itself`, async () => {
      const [pid] = stack.pids().health
      process.kill(pid, signal)
      await until('another process answers', async () => stack.pids().health?.[0] !== pid && (await health()).status === 200, 8000)
    })
  }

  test('a handler that is stopped answers what it has begun', async () => {
    const [pid] = stack.pids().auth
    const body = { email: 'nobody@example.com', password: 'none of these words' }
    const sent = Array.from({ length: 6 }, () => stack.request('/v1/auth/login', { method: 'POST', body }))
    await new Promise(resolve => setTimeout(resolve, 20))
    process.kill(pid, 'SIGTERM')
    for (const reply of await Promise.all(sent)) assert.ok([401, 503, 500].includes(reply.status), `${reply.status}`)
    await until('another process answers', async () => (await stack.request('/v1/auth/me')).status === 401, 8000)
  })

  test('lighttpd stops with nothing left', async () => {
    const pids = Object.values(stack.pids()).flat()
    assert.equal(pids.length, HANDLERS.length)
    await stack.stop()
    // What looks for leaks at its exit takes its time.
    const lives = pid => fs.existsSync(`/proc/${pid}`) && !/\) Z/.test(fs.readFileSync(`/proc/${pid}/stat`, 'utf8'))
    await until('every handler is gone', () => !pids.some(lives), 5000)
  })
})

describe('deploy/run', { skip: external }, () => {
  function run (env) {
    const child = spawn(path.join(TOP, 'deploy/run'), [], {
      detached: true, stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH, HOME: process.env.HOME, QUIVER_BUILD: BUILD, ...env }
    })
    const r = { child, out: '', err: '', pid: child.pid }
    child.stdout.on('data', d => { r.out += d })
    child.stderr.on('data', d => { r.err += d })
    r.exited = new Promise(resolve => child.once('exit', (code, signal) => resolve({ code, signal })))
    cleanUp(() => { if (child.exitCode === null) child.kill('SIGTERM') })
    r.ready = () => until(`deploy/run is ready (${r.err})`, () => {
      if (child.exitCode !== null) throw Object.assign(new Error(`it ended: ${r.err}`), { fatal: true })
      return /^ready (http:\S+)$/m.exec(r.out)?.[1]
    }, 120000)
    return r
  }
  const stop = async (r, signal = 'SIGTERM') => { r.child.kill(signal); return r.exited }
  const gone = url => until('nobody listens', async () => httpRequest(url, '/health').then(() => false, e => e.code === 'ECONNREFUSED'))
  const serversOf = state => fs.readdirSync('/proc').filter(p => /^\d+$/.test(p)).filter(p => {
    try {
      return fs.readFileSync(`/proc/${p}/environ`, 'latin1').split('\0').includes(`STATE_DIR=${state}`) && !/\) Z/.test(fs.readFileSync(`/proc/${p}/stat`, 'utf8'))
    } catch { return false }
  })
  const me = async (url, email, password) => {
    const reply = await httpRequest(url, '/v1/auth/login', { method: 'POST', body: { email, password } })
    return reply.status
  }

  test('the first start shows the sign-in, the second does not and is quick', async () => {
    const STATE_DIR = path.join(temporaryFolder(), 'state')
    const first = run({ PORT: '0', STATE_DIR, OWNER_EMAIL: 'me@example.com' })
    const url = await first.ready()
    const [, email, password] = /^owner\s+(\S+)\npassword\s+(\S+)$/m.exec(first.out)
    assert.equal(email, 'me@example.com')
    assert.equal(await me(url, email, password), 200)
    assert.equal((await httpRequest(url, '/openapi.json')).status, 200)
    assert.deepEqual(await stop(first), { code: 0, signal: null })
    await gone(url)
    assert.deepEqual(serversOf(STATE_DIR), [])

    const began = Date.now()
    const second = run({ PORT: '0', STATE_DIR, OWNER_EMAIL: 'me@example.com' })
    const again = await second.ready()
    assert.ok(Date.now() - began < 3000, `${Date.now() - began} ms`)
    assert.doesNotMatch(second.out, /password/)
    assert.equal(await me(again, email, password), 200)
    assert.deepEqual(await stop(second, 'SIGINT'), { code: 0, signal: null })
    assert.deepEqual(serversOf(STATE_DIR), [])
  })

  test('OWNER_PASSWORD is the password, and is not shown', async () => {
    const STATE_DIR = path.join(temporaryFolder(), 'state')
    const r = run({ PORT: '0', STATE_DIR, OWNER_EMAIL: 'me@example.com', OWNER_PASSWORD: 'a password of my own' })
    const url = await r.ready()
    assert.equal(await me(url, 'me@example.com', 'a password of my own'), 200)
    assert.doesNotMatch(r.out + r.err, /of my own/)
    await stop(r)
  })

  test('two side by side, and a third on the state of the first', async () => {
    const states = [path.join(temporaryFolder(), 'a'), path.join(temporaryFolder(), 'b')]
    const runs = states.map(STATE_DIR => run({ PORT: '0', STATE_DIR }))
    const urls = await Promise.all(runs.map(r => r.ready()))
    assert.notEqual(urls[0], urls[1])
    const third = run({ PORT: '0', STATE_DIR: states[0] })
    assert.equal((await third.exited).code, 75)
    assert.match(third.err, /STATE_DIR/)
    await stop(runs[0])
    assert.equal((await httpRequest(urls[1], '/health')).status, 200)
    await stop(runs[1])
    for (const state of states) assert.deepEqual(serversOf(state), [])
  })

  test('PORT is the port, and one that is taken is named', async () => {
    const PORT = String(await freePort())
    const first = run({ PORT, STATE_DIR: path.join(temporaryFolder(), 'a') })
    assert.equal(await first.ready(), `http://localhost:${PORT}`)
    const second = run({ PORT, STATE_DIR: path.join(temporaryFolder(), 'b') })
    assert.notEqual((await second.exited).code, 0)
    assert.match(second.err, /in use/i)
    // Its account is made by now, and this was the one time that the password is shown.
    assert.match(second.out, /^password \S+$/m)
    await stop(first)
  })

  test('a bad setting says which and does not start', async () => {
    const r = run({ PORT: '0', STATE_DIR: path.join(temporaryFolder(), 'a'), THREADS: 'many' })
    assert.equal((await r.exited).code, 78)
    assert.match(r.err, /THREADS/)
  })

  test('a state folder with a path too long for sockets', async () => {
    const STATE_DIR = path.join(temporaryFolder(), 'long-'.repeat(25))
    const r = run({ PORT: '0', STATE_DIR })
    assert.equal((await httpRequest(await r.ready(), '/health')).status, 200)
    await stop(r)
    assert.deepEqual(serversOf(STATE_DIR), [])
  })

  test('when it is killed, what it started ends too', async () => {
    const STATE_DIR = path.join(temporaryFolder(), 'a')
    const r = run({ PORT: '0', STATE_DIR })
    await r.ready()
    await stop(r, 'SIGKILL')
    await until('nothing is left', () => serversOf(STATE_DIR).length === 0)
  })

  test('when its server is killed, it ends the handlers and fails', async () => {
    const STATE_DIR = path.join(temporaryFolder(), 'a')
    const r = run({ PORT: '0', STATE_DIR })
    await r.ready()
    const server = serversOf(STATE_DIR).find(p => fs.readFileSync(`/proc/${p}/comm`, 'utf8').trim() === 'lighttpd')
    process.kill(Number(server), 'SIGKILL')
    assert.equal((await r.exited).code, 1)
    assert.deepEqual(serversOf(STATE_DIR), [])
  })
})
