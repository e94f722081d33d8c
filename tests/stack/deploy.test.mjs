// What is generated and installed: web server configurations, units, packages.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { before, describe, test } from 'node:test'
import { BUILD, HANDLERS, TOP, binary, configure, makeRoot, runHandler, temporaryFolder } from './harness.mjs'

const run = (command, ...args) => spawnSync(command, args, { encoding: 'utf8', timeout: 120000 })
const has = command => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0
const filesUnder = folder => fs.readdirSync(folder, { withFileTypes: true }).flatMap(e =>
  e.isDirectory() ? filesUnder(path.join(folder, e.name)).map(f => `${e.name}/${f}`) : [e.name]).sort()

describe('deploy/configure', () => {
  const prefixes = {}
  before(() => {
    for (const name of HANDLERS) prefixes[name] = runHandler(name, ['--prefixes']).stdout.trim().split('\n').filter(p => p !== '/')
  })
  const escaped = p => p.replace(/[.]/g, '\\.')

  for (const [kind, command, check] of [
    ['lighttpd', 'lighttpd', file => ['-tt', '-f', file]], ['nginx', 'nginx', file => ['-t', '-c', file]],
    ['apache-proxy', 'apache2', file => ['-t', '-f', file]], ['apache-fcgid', 'apache2', file => ['-t', '-f', file]]
  ]) {
    test(`${kind}: every prefix of every handler is there, and the server takes it`, () => {
      const root = makeRoot()
      const text = configure(kind, root, 8080, HANDLERS, {})
      for (const name of HANDLERS) {
        if (kind === 'lighttpd' && name === 'docs') continue   // has what the others do not have
        for (const p of prefixes[name]) {
          const written = { lighttpd: escaped(p), 'apache-fcgid': escaped(p).replaceAll('/', '/+') }[kind] ?? p
          assert.ok(text.split('\n').some(line => line.includes(written)), `${name} ${p}`)
        }
      }
      assert.doesNotMatch(text, /@[A-Z]+@/)
      assert.match(text, /127\.0\.0\.1/)
      const file = path.join(root.root, 'conf')
      fs.writeFileSync(file, text)
      const checked = run(command, ...check(file))
      assert.equal(checked.status, 0, checked.stderr)
    })
  }

  test('settings of the environment reach handlers that mod_fcgid starts', () => {
    const text = configure('apache-fcgid', makeRoot(), 8080, HANDLERS, { THREADS: '3', PUBLIC_URL: 'https://example.com' })
    assert.match(text, /FcgidInitialEnv PUBLIC_URL "https:\/\/example\.com"/)
  })

  test('a setting is a value to Apache, whatever is in it', () => {
    const root = makeRoot()
    const text = configure('apache-fcgid', root, 8080, HANDLERS, { SITE_TITLE: 'My "blog" \\" & <b>', OWNER_PASSWORD: 'not for handlers' })
    assert.match(text, /FcgidInitialEnv SITE_TITLE "My \\"blog\\" \\\\\\" & <b>"/)
    assert.doesNotMatch(text, /OWNER_PASSWORD/)
    const file = path.join(root.root, 'conf')
    fs.writeFileSync(file, text)
    const checked = run('apache2', '-t', '-f', file)
    assert.equal(checked.status, 0, checked.stderr)
  })

  for (const SITE_TITLE of ['two\nlines', 'a ${NAME}']) {
    test(`${JSON.stringify(SITE_TITLE)} is refused for Apache`, () => {
      assert.throws(() => configure('apache-fcgid', makeRoot(), 8080, HANDLERS, { SITE_TITLE }), /SITE_TITLE/)
    })
  }

  for (const args of [[], ['caddy'], ['nginx', '--port'], ['nginx', '--nope', '1'], ['nginx', '--bin', '/nowhere'], ['nginx', '--handlers', 'nope']]) {
    test(`${JSON.stringify(args)} is refused`, () => {
      const r = run(path.join(TOP, 'deploy/configure'), ...args)
      assert.notEqual(r.status, 0)
      assert.notEqual(r.stderr, '')
    })
  }
})

describe('deploy/configure --user', () => {
  const asRoot = process.getuid() === 0
  // Where www-data may read it.
  const script = path.join(asRoot ? path.join(binary('health'), '../..') : TOP, 'deploy/configure')
  const configured = (kind, state, ...args) => run(script, kind, '--bin', path.dirname(binary('health')), '--state', state, ...args)
  const conf = (...args) => configured('nginx', path.join(temporaryFolder(), 'state'), ...args)

  test('names www-data to root when nobody is asked for', { skip: !asRoot }, () => {
    const r = conf()
    assert.equal(r.status, 0, r.stderr)
    assert.match(r.stdout, /^user www-data www-data;$/m)
  })

  test('names who is asked for', { skip: !asRoot }, () => {
    const parent = temporaryFolder()
    fs.chownSync(parent, 0, 0)
    fs.chmodSync(parent, 0o755)
    const r = configured('nginx', path.join(parent, 'state'), '--user', 'nobody')
    assert.match(r.stdout, /^user nobody nogroup;$/m, r.stderr)
    assert.equal(fs.statSync(path.join(parent, 'state/run')).uid, fs.statSync(path.join(parent, 'state')).uid)
    assert.notEqual(fs.statSync(path.join(parent, 'state')).uid, 0)
  })

  test('names nobody for --user root', { skip: !asRoot }, () => {
    assert.doesNotMatch(conf('--user', 'root').stdout, /^user /m)
  })

  test('refuses a user who is not there', () => {
    const r = conf('--user', 'nobody-of-that-name')
    assert.equal(r.status, 1)
    assert.match(r.stderr, /nobody-of-that-name/)
  })

  test('refuses what the user cannot reach', { skip: !asRoot }, () => {
    const closed = path.join(temporaryFolder(), 'bin')
    fs.cpSync(path.dirname(binary('health')), closed, { recursive: true })
    fs.chmodSync(closed, 0o700)
    const r = conf('--bin', closed)
    assert.equal(r.status, 1)
    assert.match(r.stderr, /www-data cannot reach/)
  })

  test('refuses the data of somebody else', { skip: !asRoot }, () => {
    const state = path.join(temporaryFolder(), 'state')
    fs.mkdirSync(state, { mode: 0o700 })
    const r = configured('lighttpd', state)
    assert.equal(r.status, 1)
    assert.match(r.stderr, /is not www-data's/)
  })

  test('makes nothing for the user in the folder of another', { skip: !asRoot }, () => {
    const state = path.join(temporaryFolder(), 'state')
    fs.mkdirSync(state, { mode: 0o700 })
    fs.chownSync(state, 65534, 65534)
    assert.match(configured('nginx', state).stderr, /is neither root's nor www-data's/)
    assert.deepEqual(fs.readdirSync(state), [])
  })

  test('refuses to let a process of root’s write where the user does', { skip: !asRoot }, () => {
    assert.match(conf('--server', temporaryFolder()).stderr, /www-data may write there/)
  })

  test('lets an ordinary user name nobody else', { skip: asRoot }, () => {
    assert.match(conf('--user', 'root').stderr, /only root can become another/)
    assert.doesNotMatch(conf().stdout, /^user /m)
  })
})

describe('the target that deploy/run builds', () => {
  test('has the viewer whose bundle is made anew', () => {
    const inputs = run('ninja', '-C', BUILD, '-t', 'inputs', 'handlers').stdout.split('\n')
    assert.ok(inputs.some(line => line.endsWith('/redoc/bundles/redoc.standalone.js')), inputs.join('\n'))
  })
})

describe('installation', () => {
  const to = path.join(temporaryFolder(), 'usr')
  before(() => {
    const r = run('cmake', '--install', BUILD, '--component', 'content', '--prefix', to)
    assert.equal(r.status, 0, r.stderr)
  })

  test('a component is one handler with its units and licence, and nothing else', () => {
    const files = filesUnder(to).filter(f => !f.endsWith('README.md'))
    assert.deepEqual(files, [
      'lib/systemd/system/quiver-content.service', 'lib/systemd/system/quiver-content.socket',
      'libexec/quiver/content', 'share/doc/quiver-content/copyright', 'share/quiver/docs/openapi/content.json'
    ])
  })

  test('what is installed runs', () => {
    const r = run(path.join(to, 'libexec/quiver/content'), '--version')
    assert.match(r.stdout, /^content \d/)
  })

  test('the unit starts what is installed', () => {
    const unit = fs.readFileSync(path.join(to, 'lib/systemd/system/quiver-content.service'), 'utf8')
    assert.ok(unit.includes(`ExecStart=${to}/libexec/quiver/content\n`))
    assert.doesNotMatch(unit, /@[A-Z]+@/)
  })

  test('the unit starts again however often it crashes', () => {
    const unit = fs.readFileSync(path.join(to, 'lib/systemd/system/quiver-content.service'), 'utf8')
    const section = name => unit.split(/^(?=\[)/m).find(part => part.startsWith(`[${name}]`)).split('\n')
    // Five starts in ten seconds would be its last; in another section systemd passes over it.
    assert.ok(section('Unit').includes('StartLimitIntervalSec=0'))
    assert.ok(section('Service').includes('Restart=on-failure'))
  })

  test('systemd finds no fault with the units', () => {
    const units = ['service', 'socket'].map(kind => path.join(to, `lib/systemd/system/quiver-content.${kind}`))
    const r = run('systemd-analyze', 'verify', ...units)
    const about = r.stderr.split('\n').filter(line => line.includes('quiver-content'))
    assert.deepEqual(about, [])
  })

  test('systemd calls the service hardened', () => {
    const unit = path.join(to, 'lib/systemd/system/quiver-content.service')
    const r = run('systemd-analyze', 'security', '--offline=true', '--threshold=20', '--no-pager', unit)
    assert.equal(r.status, 0, r.stdout.split('\n').slice(-3).join('\n') + r.stderr)
  })
})

describe('packages', () => {
  test('a .deb has one handler and what it needs', () => {
    const to = temporaryFolder()
    const r = run('cpack', '--config', path.join(BUILD, 'CPackConfig.cmake'), '-B', to, '-D', 'CPACK_COMPONENTS_ALL=health')
    assert.equal(r.status, 0, r.stdout + r.stderr)
    const debs = fs.readdirSync(to).filter(f => f.endsWith('.deb'))
    assert.equal(debs.length, 1)
    assert.match(debs[0], /^quiver-health_/)
    const file = path.join(to, debs[0])
    const fields = run('dpkg-deb', '-f', file).stdout
    assert.match(fields, /^Package: quiver-health$/m)
    assert.match(fields, /^Depends: .*libfcgi0ldbl/m)
    const listed = run('dpkg-deb', '-c', file).stdout
    for (const name of ['/usr/libexec/quiver/health', '/usr/lib/systemd/system/quiver-health.service', '/usr/share/doc/quiver-health/copyright']) {
      assert.ok(listed.includes(`.${name}\n`), name)
    }
    const unit = run('sh', '-c', `dpkg-deb --fsys-tarfile '${file}' | tar -xO ./usr/lib/systemd/system/quiver-health.service`).stdout
    assert.match(unit, /^ExecStart=\/usr\/libexec\/quiver\/health$/m)
    const scripts = run('dpkg-deb', '--info', file, 'postinst').stdout
    assert.match(scripts, /quiver-health\.socket/)
  })
})
