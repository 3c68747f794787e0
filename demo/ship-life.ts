import type { Random } from './random.js';

/** A change as an application on board would post it. */
export interface ShipChange {
  readonly entity: string;
  readonly operation: 'create' | 'update' | 'delete';
  readonly key: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** An endless story of changes. */
export type Story = Generator<ShipChange, never, void>;

const PEOPLE = ['A. Lindqvist', 'J. Santos', 'M. Okafor', 'P. Novak', 'R. Tan', 'S. Haugen'] as const;
const MACHINES = ['ME1', 'AE1', 'AE2', 'BOILER1', 'PURIFIER2', 'STEERING1'] as const;
const JOBS = [
  'Replace fuel injector',
  'Overhaul air compressor',
  'Inspect lifeboat davit',
  'Clean sea chest strainer',
  'Megger test of bow thruster motor',
] as const;
const ALARMS = [
  'Lube oil pressure low',
  'Bilge level high',
  'Exhaust gas deviation cylinder 4',
  'Jacket water temperature high',
  'Freshwater generator salinity high',
] as const;

/** Serial numbers are unique per desk and rise, so that no two entities share a key. */
function serial(prefix: string, desk: number, count: number): string {
  return `${prefix}-${String(desk).padStart(2, '0')}-${String(count).padStart(4, '0')}`;
}

/** Work orders: opened, begun, done; sometimes withdrawn. */
function* workOrders(desk: number, random: Random): Story {
  for (let count = 1; ; count++) {
    const key = serial('WO', desk, count);
    const base = {
      id: key,
      title: random.pick(JOBS),
      component: random.pick(MACHINES),
      priority: random.pick(['low', 'normal', 'high']),
      assignedTo: random.pick(PEOPLE),
    };
    yield { entity: 'work_orders', operation: 'create', key, data: { ...base, status: 'open' } };
    yield { entity: 'work_orders', operation: 'update', key, data: { ...base, status: 'in_progress', progress: 0 } };
    const parts = [{ partNo: `P${random.between(1000, 9999)}`, quantity: random.between(1, 8) }];
    const work = { ...base, status: 'in_progress', progress: random.between(20, 90), parts };
    yield { entity: 'work_orders', operation: 'update', key, data: work };
    if (random.next() < 0.15) yield { entity: 'work_orders', operation: 'delete', key, data: { id: key } };
    else {
      const done = { ...base, status: 'done', progress: 100, parts, hours: random.between(1, 16) };
      yield { entity: 'work_orders', operation: 'update', key, data: done };
    }
  }
}

/** Alerts: raised, acknowledged, cleared. They are critical and travel ahead of everything else. */
function* alerts(desk: number, random: Random): Story {
  for (let count = 1; ; count++) {
    const key = serial('AL', desk, count);
    const base = {
      id: key,
      source: random.pick(MACHINES),
      message: random.pick(ALARMS),
      severity: random.pick(['warning', 'alarm', 'critical']),
    };
    yield { entity: 'alerts', operation: 'create', key, data: { ...base, state: 'raised' } };
    const by = random.pick(PEOPLE);
    yield { entity: 'alerts', operation: 'update', key, data: { ...base, state: 'acknowledged', by } };
    yield { entity: 'alerts', operation: 'update', key, data: { ...base, state: 'cleared', by } };
  }
}

/** Readings of one machine, again and again. */
function* equipment(desk: number, random: Random): Story {
  const key = `${random.pick(MACHINES)}-${desk}`;
  for (let reading = 1; ; reading++) {
    const data = {
      id: key,
      reading,
      rpm: random.between(88, 104),
      lubeOilBar: random.between(38, 46) / 10,
      exhaustC: Array.from({ length: 6 }, () => random.between(330, 372)),
      jacketWaterC: random.between(78, 86),
      runningHours: 41_250 + reading / 10,
    };
    yield { entity: 'equipment', operation: reading === 1 ? 'create' : 'update', key, data };
  }
}

/** Watches and hours of rest of one member of the crew. */
function* crew(desk: number, random: Random): Story {
  const key = `CREW-${desk}`;
  const base = { id: key, name: random.pick(PEOPLE), rank: random.pick(['2/O', '3/E', 'ETO', 'Bosun', 'Cook']) };
  yield { entity: 'crew', operation: 'create', key, data: { ...base, onWatch: false } };
  for (let watch = 1; ; watch++) {
    const data = { ...base, onWatch: watch % 2 === 1, watch, restHours24: random.between(10, 14) };
    yield { entity: 'crew', operation: 'update', key, data };
  }
}

/** Maintenance jobs and the schedules they come from, which share a topic. */
function* maintenance(desk: number, random: Random): Story {
  for (let count = 1; ; count++) {
    const key = serial('MS', desk, count);
    const base = { id: key, job: random.pick(JOBS), machine: random.pick(MACHINES) };
    const everyHours = random.pick([250, 500, 2000, 8000]);
    yield { entity: 'maintenance_schedules', operation: 'create', key, data: { ...base, everyHours } };
    yield { entity: 'maintenance', operation: 'create', key, data: { ...base, state: 'due' } };
    const done = { ...base, state: 'done', by: random.pick(PEOPLE) };
    yield { entity: 'maintenance', operation: 'update', key, data: done };
  }
}

const TRADES = [workOrders, equipment, alerts, equipment, crew, workOrders, equipment, maintenance] as const;

/** The story of one desk on board; no two desks write about the same entity. */
export function storyOf(desk: number, random: Random): Story {
  const trade = TRADES[desk % TRADES.length] ?? workOrders;
  return trade(desk, random);
}
