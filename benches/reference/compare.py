"""Every step's seconds, rows, processor and memory beside what a reference needs for the same in the same run. Called by scripts/bench.

compare.py SCALE [JSON]: makes a private server with invented databases in a temporary folder and takes it down again. With a name, the
figures are written there as JSON; RECORD=1 also writes the section of docs/performance.md.
"""

import glob
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
SOURCES = ["mca-za", "mca-uk", "scl", "teetime", "messaging"]
TABLES = ["CustomerProfile", "IdentityAlias", "MarketingConsent", "Activity", "CampaignInteraction", "DuplicateCandidate",
          "CustomerSegmentMembership"]
BEGIN, END = "<!-- begin: make bench RECORD=1 -->", "<!-- end: make bench RECORD=1 -->"


class Run:
    """A data folder with its server, and what was measured there."""

    def __init__(self, scale):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="crm-backfill-bench."))
        self.environment = {k: v for k, v in os.environ.items() if not re.match(r"(PG(?!_BIN)|.*_DATABASE_URL|AS_OF|PHASE)", k)}
        self.environment |= {"CRM_BACKFILL_NO_DOT_ENV": "1", "DATA_DIR": str(self.folder / "data"), "QUIET_OVERVIEW": "1"}
        self.environment.setdefault("CONFIG", "backfill.toml")
        self.scale, self.rows, self.steps = scale, {}, []
        self.call([BIN / "local", "up", "--scale", str(scale), "--seed", "1"])
        for line in self.call([BIN / "local", "urls"]).splitlines():
            name, url = re.match(r"export (\w+)=['\"]?([^'\"]*)", line).groups()
            self.environment[name] = url
        self.postmaster = int(open(glob.glob(f"{self.folder}/data/postgres/**/postmaster.pid", recursive=True)[0]).readline())
        self.crm = self.environment["CRM_DATABASE_URL"]
        self.server = self.crm.rsplit("/", 1)[0]

    def close(self):
        subprocess.run([BIN / "local", "down", "--quiet"], cwd=ROOT, env=self.environment, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def call(self, command, **more):
        done = subprocess.run(command, cwd=ROOT, env=self.environment | more, capture_output=True, text=True)
        if done.returncode:
            sys.stderr.write(done.stdout[-2000:] + done.stderr[-4000:])
            raise SystemExit(f"{command[0]} failed ({done.returncode})")
        return done.stdout

    def psql(self, database, *arguments):
        return self.call(["psql", "-qXAt", "-v", "ON_ERROR_STOP=1", f"{self.server}/{database}", *arguments])

    def server_cpu(self):
        """Seconds of processor of the server and all its processes, those that ended included."""
        def ticks(pid, fields):
            try:
                stat = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
                return sum(int(stat[field]) for field in fields)
            except (OSError, IndexError):
                return 0
        children = open(f"/proc/{self.postmaster}/task/{self.postmaster}/children").read().split()
        return (ticks(self.postmaster, (11, 12, 13, 14)) + sum(ticks(child, (11, 12)) for child in children)) / os.sysconf("SC_CLK_TCK")

    def measure(self, name, command, rows=None, **more):
        """Runs a command; notes wall seconds, processor of it and of the server, and the most memory one of its processes held."""
        before, begun = self.server_cpu(), time.monotonic()
        reads, writes = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reads)
            with open(self.folder / "output", "wb") as output:
                done = subprocess.run(command, cwd=ROOT, env=self.environment | more, stdout=output, stderr=subprocess.STDOUT)
            import resource
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            os.write(writes, json.dumps([done.returncode, used.ru_utime + used.ru_stime, used.ru_maxrss]).encode())
            os._exit(0)
        os.close(writes)
        code, cpu, peak = json.loads(os.fdopen(reads).read())
        os.waitpid(pid, 0)
        seconds = time.monotonic() - begun
        if code:
            sys.stderr.write((self.folder / "output").read_text()[-4000:])
            if name != "verify":
                raise SystemExit(f"{name} failed ({code})")
        time.sleep(0.2)
        step = {"step": name, "seconds": round(seconds, 2), "cpu": round(cpu, 2), "server_cpu": round(self.server_cpu() - before, 2),
                "peak_mib": peak // 1024, "rows": rows}
        self.steps.append(step)
        rate = f"{rows / seconds:12,.0f}" if rows else " " * 12
        print(f"{name:<34} {seconds:9.2f} {rate} {cpu:9.2f} {step['server_cpu']:9.2f} {peak // 1024:9,}", flush=True)
        return seconds

    def manifest_rows(self, pattern):
        texts = [pathlib.Path(path).read_text() for path in glob.glob(str(self.folder / "data" / pattern / "manifest.json"))]
        return sum(entry["rows"] for text in texts for entry in json.loads(text)["files"].values())


def title(text):
    print(f"\n{text:<34} {'seconds':>9} {'rows/s':>12} {'cpu':>9} {'server':>9} {'peak MiB':>9}")


def exports(run):
    title("exports")
    as_of = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
    total = 0
    for source in SOURCES:
        total += run.measure(f"export-{source}", [BIN / f"export-{source}", "--new-as-of"], AS_OF=as_of)
    together = run.measure("five exports side by side", ["scripts/exports", "-", "--new-as-of", *SOURCES], AS_OF=as_of)
    run.rows["exported"] = run.manifest_rows("exports/*")
    reference = 0
    script = run.folder / "copy.sql"
    variables = {"mca-za": "MCA_ZA", "mca-uk": "MCA_UK"}
    for source in SOURCES:
        url = run.environment[f"{variables.get(source, source.upper())}_DATABASE_URL"]
        lines = [f"set backfill.as_of = '{as_of}';"]
        for path in sorted((ROOT / "sql/exports" / source.replace("-", "_")).glob("*.sql")):
            if not path.name.endswith(".left_out.sql"):
                text = " ".join(re.sub(r"--.*", "", path.read_text()).split()).rstrip("; ")
                lines.append(f"\\copy ({text}) to '/dev/null' (format binary)")
        script.write_text("\n".join(lines) + "\n")
        reference += run.measure(f"psql copy out, {source}", ["psql", "-qX", url, "-f", script])
    return {"exports one by one / psql copy out": total / reference, "exports side by side / psql copy out": together / reference}


def offline(run):
    title("offline")
    run.call([BIN / "export-crm"])
    rows = run.rows["exported"]
    return sum(run.measure(step, [BIN / step], rows) for step in ["stage", "resolve", "consolidate", "score"])


def loads(run):
    title("load and verify")
    counted = run.manifest_rows("crm") + run.manifest_rows("score")
    first = run.measure("load, first", [BIN / "load", "--yes"], counted)
    verify = run.measure("verify", [BIN / "verify"], counted)
    dry = run.measure("load --dry-run, nothing changed", [BIN / "load", "--dry-run"], counted)
    again = run.measure("load, nothing changed", [BIN / "load", "--yes"], counted)
    reference = copy_reference(run)
    run.first, run.verify = first, verify
    return {"load / psql copy in": first / reference, "verify / load": verify / first, "second load / first load": again / first,
            "dry run / first load": dry / first}


def definitions(run, database):
    """Statements that drop and make the secondary indexes and keys of the loaded tables, as load does."""
    names = ",".join(f"'{name}'" for name in TABLES)
    keys = run.psql(database, "-F", "\t", "-c", f"""select c.conrelid::regclass, quote_ident(c.conname), pg_get_constraintdef(c.oid)
        from pg_constraint c join pg_class t on t.oid = c.conrelid where t.relname in ({names}) and c.contype = 'f'""")
    indexes = run.psql(database, "-F", "\t", "-c", f"""select i.indexrelid::regclass, pg_get_indexdef(i.indexrelid)
        from pg_index i join pg_class t on t.oid = i.indrelid
        where t.relname in ({names}) and not exists (select from pg_constraint c where c.conindid = i.indexrelid and c.contype = 'p')""")
    drops, makes = [], []
    for line in indexes.splitlines():
        name, made = line.split("\t")
        drops.append(f"drop index {name};")
        makes.append(f"{made};")
    for line in keys.splitlines():
        table, name, made = line.split("\t")
        drops.insert(0, f"alter table {table} drop constraint {name};")
        makes.append(f"alter table {table} add constraint {name} {made};")
    return drops, makes


def copy_reference(run):
    """Ready-made binary files into the same tables in one transaction, the same index and key statements, then analyze."""
    run.psql("postgres", "-c", "create database reference template template0")
    run.psql("reference", "-f", str(ROOT / "schemas/crm.sql"))
    out = run.folder / "copied"
    out.mkdir()
    for table in ["CustomerSegment", *TABLES]:
        run.call(["psql", "-qX", run.crm, "-c", f"\\copy \"{table}\" to '{out}/{table}' (format binary)"])
    drops, makes = definitions(run, "reference")
    copies = [f"\\copy \"{table}\" from '{out}/{table}' (format binary)" for table in ["CustomerSegment", *TABLES]]
    settings = ["set maintenance_work_mem = '512MB';", "\\set ON_ERROR_STOP on"]
    script = run.folder / "reference.sql"
    analyze = [f'analyze "{table}";' for table in TABLES]
    script.write_text("\n".join([*settings, "begin;", *drops, *copies, *makes, "commit;", *analyze]) + "\n")
    seconds = run.measure("psql copy in, indexes, analyze", ["psql", "-qX", f"{run.server}/reference", "-f", script])
    run.psql("postgres", "-c", "drop database reference with (force)")
    shutil.rmtree(out)
    return seconds


def whole_job(run):
    """The job as a pipeline of SQL in DuckDB that proves nothing."""
    title("whole job, reference")
    python = os.environ.get("BENCH_PYTHON") or duckdb(run)
    if python is None:
        print("DuckDB cannot be installed here: left out")
        return {}
    out = run.folder / "csv"
    out.mkdir()
    as_of = (run.folder / "data/.as_of").read_text().strip().replace("T", " ").rstrip("Z")
    made = run.measure("DuckDB pipeline to CSV", [python, ROOT / "benches/reference/run.py", run.folder / "data/exports", out, as_of])
    run.psql("postgres", "-c", "create database reference template template0")
    run.psql("reference", "-f", str(ROOT / "schemas/crm.sql"))
    drops, makes = definitions(run, "reference")
    copies = []
    for table in TABLES[:5]:
        columns = ",".join(f'"{name}"' for name in (out / f"{table}.csv").open().readline().strip().split(","))
        copies.append(f"\\copy \"{table}\" ({columns}) from '{out}/{table}.csv' (format csv, header)")
    # What its simple rules let through twice must not stop it.
    makes = [make.replace("CREATE UNIQUE INDEX", "CREATE INDEX") for make in makes]
    script = run.folder / "reference.sql"
    analyze = [f'analyze "{table}";' for table in TABLES[:5]]
    script.write_text("\n".join(["\\set ON_ERROR_STOP on", "set maintenance_work_mem = '512MB';", "begin;", *drops, *copies, *makes, "commit;",
                                 *analyze]) + "\n")
    loaded = run.measure("psql copy CSV in, indexes, analyze", ["psql", "-qX", f"{run.server}/reference", "-f", script])
    run.psql("postgres", "-c", "drop database reference with (force)")
    exported = next(step["seconds"] for step in run.steps if step["step"] == "five exports side by side")
    return {"reference": made + loaded + exported}


def duckdb(run):
    folder = run.folder / "python"
    made = subprocess.run([sys.executable, "-m", "venv", folder], capture_output=True).returncode == 0 and subprocess.run(
        [folder / "bin/pip", "install", "--quiet", "duckdb==2.0.1"], capture_output=True).returncode == 0
    return folder / "bin/python" if made else None


def phases(run):
    """Six phases one after the other into an empty CRM, and one backfill into another, from the same saved exports."""
    title("phases")
    def emptied():
        run.psql("postgres", "-c", "drop database demo_crm with (force)", "-c", "create database demo_crm template template0")
        run.psql("demo_crm", "-f", str(ROOT / "schemas/crm.sql"))
        for name in ["stage", "resolve", "crm", "score", "verify", "report", "previous"]:
            shutil.rmtree(run.folder / "data" / name, ignore_errors=True)
    emptied()
    once = run.measure("one backfill", ["scripts/phase", "6"])
    emptied()
    six = sum(run.measure(f"phase {number}", ["scripts/phase", str(number)]) for number in range(1, 7))
    return {"six phases / one backfill": six / once}


def source_hash():
    """Names the programs that the figures were measured with (FNV-1a): tests/performance.rs compares it with the files as they are."""
    number = 0xCBF29CE484222325
    for name in ["compare.py", "run.py", "pipeline.sql"]:
        for byte in (ROOT / "benches/reference" / name).read_bytes():
            number = (number ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{number:016x}"


def machine():
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    memory = int(re.search(r"MemTotal:\s+(\d+)", open("/proc/meminfo").read()).group(1)) // 1024 // 1024
    return {"cpu": cpu, "cores": os.cpu_count(), "memory_gib": memory, "kernel": platform.release(),
            "postgresql": subprocess.run(["psql", "--version"], capture_output=True, text=True).stdout.strip(),
            "commit": subprocess.run(["git", "rev-parse", "--short=10", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip(),
            "load_before": os.getloadavg()[0], "day": time.strftime("%Y-%m-%d")}


def record(figures):
    path = ROOT / "docs/performance.md"
    text = path.read_text() if path.exists() else "# Performance\n"
    host = figures["machine"]
    lines = [BEGIN, "", "## All steps beside their references", "",
             f"`make bench SCALE={figures['scale']} RECORD=1` on {host['day']}: {host['cores']} cores ({host['cpu']}), {host['memory_gib']} GiB, "
             f"{host['postgresql']} on the same machine, load average {host['load_before']:.1f} before; commit {host['commit']}.",
             f"Measured with `benches/reference` as of {figures['source']}. Seconds are wall time, cpu and server are seconds of processor.", "",
             "| step | seconds | rows/s | cpu | server | peak MiB |", "|---|---:|---:|---:|---:|---:|"]
    for step in figures["steps"]:
        rate = f"{step['rows'] / step['seconds']:,.0f}" if step["rows"] and step["seconds"] else ""
        lines.append(f"| {step['step']} | {step['seconds']} | {rate} | {step['cpu']} | {step['server_cpu']} | {step['peak_mib']} |")
    lines += ["", "| ratio | measured | goal |", "|---|---:|---:|"]
    lines += [f"| {name} | {value:.2f} | {GOALS.get(name, '')} |" for name, value in figures["ratios"].items()]
    lines += ["", END]
    section = "\n".join(lines)
    if BEGIN in text:
        text = text[:text.index(BEGIN)] + section + text[text.index(END) + len(END):]
    else:
        text = text.rstrip() + "\n\n" + section + "\n"
    path.write_text(text)


GOALS = {"load / psql copy in": 1.05, "verify / load": 0.25, "second load / first load": 0.15, "exports side by side / psql copy out": 1.1,
         "whole job / reference": 1.2, "six phases / one backfill": 2.0}


def main():
    scale = sys.argv[1]
    figures = {"format": 1, "scale": float(scale), "source": source_hash(), "machine": machine()}
    run = Run(scale)
    try:
        ratios = exports(run)
        steps = offline(run)
        ratios |= loads(run)
        reference = whole_job(run).get("reference")
        exported = next(step["seconds"] for step in run.steps if step["step"] == "five exports side by side")
        if reference:
            ratios["whole job / reference"] = (exported + steps + run.first + run.verify) / reference
        if not os.environ.get("WITHOUT_PHASES"):
            ratios |= phases(run)
        figures |= {"rows": run.rows, "steps": run.steps, "ratios": {name: round(value, 3) for name, value in ratios.items()}}
    finally:
        run.close()
    print()
    for name, value in figures["ratios"].items():
        print(f"{name:<40} {value:6.2f}   goal {GOALS.get(name, '-')}")
    if len(sys.argv) > 2:
        pathlib.Path(sys.argv[2]).write_text(json.dumps(figures, indent=2) + "\n")
    if os.environ.get("RECORD"):
        record(figures)


if __name__ == "__main__":
    main()
