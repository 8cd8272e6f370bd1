"""Invented golfers in five systems, with names from Faker's locales and errors made by clerks of different habits.

Unlike the demo's people, who err letter by letter, each record here is keyed by one clerk, and each clerk errs in one way: it swaps
the name columns, pads or hyphenates numbers, hears names instead of reading them, types on a QWERTY keyboard, scans paper forms,
or truncates. Households share mailboxes and phones; contacts have no names.

usage: clerks.py OUT.csv [--people 24000] [--seed 11] [--shared]
"""
import argparse
import importlib
import random

from labelled import write

LOCALES = {"ZA": [("zu_ZA", 30), ("nl_NL", 28), ("en_GB", 22), ("en_IN", 13), ("pt_PT", 5), ("china", 2)],
           "UK": [("en_GB", 66), ("en_IE", 14), ("en_IN", 12), ("de_DE", 5), ("china", 3)]}
CHINESE = [("xiaoling", "hsiao ling"), ("zhiming", "chih ming"), ("jianguo", "chien kuo"), ("qingmei", "ching mei"), ("xueqin", "hsueh chin"),
           ("guangzhi", "kuang chih"), ("dongmei", "tung mei"), ("zhenhua", "chen hua")]
PARTICLES = ["van der", "du", "le", "de", "van", "van den", "da"]
FORMS = {"William": "Bill", "Robert": "Bob", "Margaret": "Peggy", "Richard": "Dick", "David": "Dafydd", "Catherine": "Kate", "Elizabeth": "Betty",
         "Johannes": "Hannes", "Magdalena": "Lenie", "Jacobus": "Kobus", "Hendrik": "Hennie", "Owen": "Eoghan", "Rajendran": "Raj", "John": "Jack",
         "Patricia": "Trish", "Anthony": "Tony", "Theodorus": "Theo", "Cornelis": "Cor", "Sibusiso": "Sbu", "Thandeka": "Thandi", "Mary": "Molly"}
HEARD = [("ph", "f"), ("f", "ph"), ("c", "k"), ("k", "c"), ("y", "i"), ("i", "y"), ("ee", "i"), ("s", "z"), ("th", "t"), ("sh", "sch"), ("j", "g"),
         ("ll", "l"), ("n", "nn"), ("t", "tt"), ("ai", "ay"), ("oo", "u"), ("w", "v"), ("ck", "k"), ("ie", "y")]
SCANNED = [("rn", "m"), ("m", "rn"), ("l", "i"), ("cl", "d"), ("u", "v"), ("e", "c"), ("h", "b"), ("o", "a")]
ROWS = ["qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890"]
HOSTS = ["gmail.com"] * 8 + ["outlook.com", "hotmail.com", "yahoo.co.uk", "icloud.com", "mweb.co.za", "vodamail.co.za", "btinternet.com", "telkomsa.net"]
WORDS = ["golfer", "birdie", "sunny", "rover", "tiger", "happy", "lucky", "dune", "links", "eagle", "bogey", "seaside", "kudu", "protea"]


def names_of(locale):
    if locale == "china":
        firsts = [name.title() for name, _ in CHINESE]
        return firsts, firsts, ["Chen", "Wong", "Li", "Zhang", "Liu", "Huang"]
    provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
    plain = lambda names: [name for name in dict.fromkeys(names) if name.isascii() and len(name) > 2 and " " not in name]
    return plain(provider.first_names_male), plain(provider.first_names_female), plain(provider.last_names)


class Population:
    def __init__(self, people, seed, shared):
        self.random = random.Random(seed)
        self.people_wanted, self.shared = people, shared
        self.names = {locale: names_of(locale) for locale in {locale for mix in LOCALES.values() for locale, _ in mix}}
        for lists in self.names.values():
            for names in lists:
                self.random.shuffle(names)
        self.used, self.people, self.rows, self.counts = set(), [], [], {}
        self.clerks = {source: [self.clerk(source) for _ in range(40)] for source in ["ZA", "UK", "SCL", "TT", "MSG"]}

    def chance(self, share):
        return self.random.random() < share

    def pick(self, names):
        """A name, those early in the list more often."""
        return names[min(int(len(names) * self.random.random() ** 2.2), len(names) - 1)]

    def digits(self, count):
        return "".join(self.random.choice("0123456789") for _ in range(count))

    def once(self, make):
        while (value := make()) in self.used:
            pass
        self.used.add(value)
        return value

    def clerk(self, source):
        r = self.random
        return dict(case=r.choice(["title"] * 5 + ["upper", "lower"]), swap=r.choice([0] * 9 + [.25]), number=r.choice(["plain"] * 6 + ["hyphen", "blank", "zeros", "short"]),
                    phone=r.choice(["national"] * 4 + ["international", "blanks", "digits", "dots"]), errs=r.choice(["typed"] * 3 + ["heard"] * 2 + ["scanned"]),
                    rate=r.choice([.01, .02, .05]), initials=r.choice([0] * 8 + [.1]), cut=r.choice([0] * 9 + [10]), middle=r.choice([0] * 6 + [.3]),
                    junk=r.choice([0] * 8 + [.02]), joins=r.choice([0] * 9 + [.2]))

    def phone(self, region):
        if region == "ZA":
            return self.once(lambda: "+27" + self.random.choice(["82", "83", "84", "72", "73", "76", "79", "61"]) + self.digits(7))
        return self.once(lambda: "+447" + self.random.choice(["4", "5", "7", "8", "9"]) + self.digits(8))

    def mailbox(self, first, last):
        first, last = first.lower().replace(" ", ""), last.lower().replace(" ", "")
        def make():
            k = self.random.randrange(9)
            local = [f"{first}.{last}", f"{first}{last}", f"{first[0]}{last}", f"{first}_{last}", f"{last}.{first[0]}", f"{first}{self.digits(2)}",
                     self.random.choice(WORDS) + self.digits(3), f"{first[0]}.{last}{self.digits(2)}", f"{first}-{last}"][k]
            return local + (self.digits(self.random.randrange(1, 4)) if self.chance(.3) else "") + "@" + self.random.choice(HOSTS)
        return self.once(make)

    def number(self, region):
        return self.once(lambda: "27" + self.digits(8)) if region == "ZA" else self.once(lambda: "1" + self.digits(9))

    def household(self, region, home):
        locale = self.random.choices(*zip(*LOCALES[region]))[0]
        men, women, families = self.names[locale]
        last = self.pick(families)
        if locale in ("nl_NL", "pt_PT") and self.chance(.25):
            last = self.random.choice(PARTICLES) + " " + last
        size = self.random.choices([1, 2, 3, 4, 5], [46, 30, 10, 10, 4])[0]
        mailbox = self.mailbox(self.pick(men), last) if size > 1 and self.chance(.6 if self.shared else .3) else None
        phone = self.phone(region) if size > 1 and self.chance(.55 if self.shared else .3) else None
        mates = []
        for place in range(size):
            man = self.chance(.65 if place == 0 else .35 if place == 1 else .5)
            first = self.pick(men if man else women)
            year = self.random.randrange(1940, 1988) if place < 2 else self.random.randrange(1988, 2013)
            born = f"{year}-{self.random.randrange(1, 13):02}-{self.random.randrange(1, 29):02}"
            generation = ""
            if place == 2 and man and mates[0]["man"] and self.chance(.15):
                first, generation = mates[0]["first"], "Jr"
                mates[0]["generation"] = self.random.choice(["", "Snr", "Sr"])
            if place == 3 and self.chance(.2):
                born = mates[2]["born"]
            while any(mate["first"] == first and mate["born"] == born for mate in mates):
                first = self.pick(men if man else women)
            person = dict(man=man, first=first, middle=self.pick(men if man else women), last=last if place != 1 or self.chance(.85) else self.pick(families),
                          maiden=self.pick(families) if not man and place < 2 and self.chance(.15) else None, born=born, region=region, generation=generation,
                          household=home, id=len(self.people), mates=mates, login="", legacy=[])
            person["mail"] = [self.mailbox(first, person["last"]) for _ in range(2 if self.chance(.35) else 1)]
            person["phones"] = [self.phone(region) for _ in range(2 if self.chance(.25) else 1)]
            if mailbox and (place > 1 or self.chance(.6)):
                person["mail"][0] = mailbox
            if phone and (place > 1 or self.chance(.5)):
                person["phones"][0] = phone
            if self.people and self.chance(.006):
                person["phones"][-1] = self.random.choice(self.people)["phones"][-1]
            person["rsa"] = self.number("ZA") if self.chance(.93 if region == "ZA" else .03) else ""
            person["cdh"] = self.number("UK") if self.chance(.93 if region == "UK" else .03) else ""
            if self.chance(.5):
                bits = f"{self.random.getrandbits(128):032x}"
                person["login"] = f"{bits[:8]}-{bits[8:12]}-4{bits[13:16]}-9{bits[17:20]}-{bits[20:]}"
            mates.append(person)
            self.people.append(person)

    def err(self, text, how):
        if len(text) < 4:
            return text
        r = self.random
        if how == "heard":
            fits = [(a, b) for a, b in HEARD if a in text[1:].lower()]
            if fits:
                a, b = r.choice(fits)
                at = text.lower().index(a, 1)
                return text[:at] + b + text[at + len(a):]
        if how == "scanned":
            fits = [(a, b) for a, b in SCANNED if a in text.lower()]
            if fits:
                a, b = r.choice(fits)
                at = text.lower().index(a)
                return text[:at] + b + text[at + len(a):]
        at, kind = r.randrange(len(text)), r.randrange(4)
        if kind == 0:
            return text[:at] + text[at + 1:]
        if kind == 1 and at + 1 < len(text):
            return text[:at] + text[at + 1] + text[at] + text[at + 2:]
        if kind == 2:
            return text[:at] + text[at] + text[at:]
        row = next((row for row in ROWS if text[at].lower() in row), "")
        if not row:
            return text
        near = row[max(0, row.index(text[at].lower()) - 1):row.index(text[at].lower()) + 2].replace(text[at].lower(), "") or text[at]
        return text[:at] + r.choice(near) + text[at + 1:]

    def written_name(self, person, clerk):
        r = self.random
        first, last = person["first"], person["last"]
        if person.get("maiden") and self.chance(.15):
            last = person["maiden"]
        if self.chance(clerk["junk"]):
            return r.choice([("null", "null"), ("XXX", "XXX"), ("Online", "Booking"), ("=B2", "=C2"), ("#REF!", "#REF!"), ("n/a", "n/a"), ("Test", "Test")])
        if self.chance(.05):
            other = dict(CHINESE).get(first.lower())
            first = other.title() if other else FORMS.get(first) or (first[:3] + r.choice(["", "i", "ie", "y"]) if len(first) > 5 and first[2] not in "aeiou" else first)
        if self.chance(clerk["middle"]):
            first = r.choice([f"{first} {person.get('middle', '')}", f"{first} {person.get('middle', 'X')[0]}"]).strip()
            if self.chance(clerk["joins"]):
                first = first.replace(" ", "")
        if self.chance(clerk["initials"]):
            first = r.choice([first[0], f"{first[0]}.", f"{first[0]}{person.get('middle', 'X')[0]}", f"{first[0]}.{person.get('middle', 'X')[0]}."])
        if self.chance(clerk["rate"]):
            first = self.err(first, clerk["errs"])
        if self.chance(clerk["rate"]):
            last = self.err(last, clerk["errs"])
        if clerk["cut"]:
            first, last = first[:clerk["cut"]], last[:clerk["cut"]]
        if person.get("generation") and self.chance(.6):
            last = f"{last} {person['generation']}"
        if self.chance(.01):
            first = ""
        if self.chance(clerk["swap"]):
            first, last = last, first
        case = {"title": str.title, "upper": str.upper, "lower": str.lower}[clerk["case"]]
        return case(first), case(last)

    def written_mail(self, person, missing, old):
        if self.chance(missing):
            return ""
        if self.chance(.008):
            return self.random.choice(["noemail@noemail.com", "none@none.com", "reception@parkclub.example", "a@a.com"])
        mail = person["mail"][-1] if self.chance(old) else person["mail"][0]
        local, host = mail.split("@")
        if self.chance(.012):
            local = self.err(local, "typed")
        if self.chance(.006):
            host = self.err(host, "typed")
        if self.chance(.01):
            local += "+golf"
        mail = f"{local}@{host}"
        return mail.upper() if self.chance(.06) else mail

    def written_phone(self, person, clerk, missing, old):
        if self.chance(missing):
            return ""
        if self.chance(.008):
            return self.random.choice(["0000000000", "0111111111", "0123456789", "0800111222"])
        phone = person["phones"][-1] if self.chance(old) else person["phones"][0]
        code = "27" if phone.startswith("+27") else "44"
        rest = phone[1 + len(code):]
        if self.chance(.008):
            at = self.random.randrange(len(rest) - 1)
            rest = rest[:at] + rest[at + 1] + rest[at] + rest[at + 2:]
        return {"national": "0" + rest, "international": f"+{code}{rest}", "blanks": f"0{rest[:2]} {rest[2:5]} {rest[5:]}", "digits": f"{code}{rest}",
                "dots": f"0{rest[:2]}.{rest[2:5]}.{rest[5:]}"}[clerk["phone"]]

    def written_born(self, person):
        born = person["born"]
        if self.chance(.05):
            return ""
        if self.chance(.01):
            return self.random.choice(["1900-01-01", "1970-01-01"])
        if self.chance(.02):
            return born[:5] + "01-01"
        if self.chance(.01) and int(born[8:]) < 13:
            return born[:5] + born[8:] + "-" + born[5:7]
        if self.chance(.008):
            return born[:3] + self.random.choice("0123456789") + born[4:]
        return born

    def written_number(self, person, kind, clerk, kept):
        number = person[kind]
        if not number or not self.chance(kept):
            return ""
        if len(person["mates"]) > 1 and self.chance(.006):
            number = self.random.choice(person["mates"])[kind] or number
        if self.chance(.003):
            number = self.err(number, "typed")
        style = clerk["number"]
        if kind == "cdh":
            return number[:3] + " " + number[3:] if style == "blank" else number
        return {"plain": number, "hyphen": f"{number[:2]}-{number[2:6]}-{number[6:]}", "blank": f"{number[:2]} {number[2:]}", "zeros": number.zfill(12),
                "short": number}[style]

    def record(self, source, person, cluster, **cells):
        self.counts[source] = self.counts.get(source, 0) + 1
        row = dict(id=f"{source}:{self.counts[source]}", source=source, tenant=person["region"], cluster=f"p{cluster}", household=person["household"], **cells)
        self.rows.append(row)
        return row

    def fill(self):
        r = self.random
        while len(self.people) < self.people_wanted:
            self.household("ZA" if self.chance(.62) else "UK", len(self.people))
        for person in self.people:
            region = person["region"]
            for _ in range((1 if self.chance(.7) else 0) * (2 if self.chance(.03) else 1)):
                clerk = r.choice(self.clerks[region])
                first, last = self.written_name(person, clerk)
                row = self.record(region, person, person["id"], email=self.written_mail(person, .12, .3), phone=self.written_phone(person, clerk, .2, .3), first_name=first,
                                  last_name=last, dob=self.written_born(person), gender=("M" if person["man"] else "F") if self.chance(.9) else "",
                                  **({"golf_rsa_id": self.written_number(person, "rsa", clerk, .9)} if region == "ZA" else {"cdh_id": self.written_number(person, "cdh", clerk, .88)}))
                person["legacy"].append(row["id"])
            if self.chance(.09):
                clerk = r.choice(self.clerks["SCL"])
                first, last = self.written_name(person, clerk)
                self.record("SCL", person, person["id"], email=self.written_mail(person, .02, .1), first_name=first, last_name=last,
                            auth_user_id=person["login"] if self.chance(.75) else "")
            if self.chance(.78):
                for _ in range(2 if self.chance(.05) else 1):
                    clerk = r.choice(self.clerks["TT"])
                    first, last = self.written_name(person, clerk)
                    row = self.record("TT", person, person["id"], email=self.written_mail(person, .18, .12), phone=self.written_phone(person, clerk, .25, .12), first_name=first,
                                      last_name=last, golf_rsa_id=self.written_number(person, "rsa", clerk, .5), cdh_id=self.written_number(person, "cdh", clerk, .35),
                                      mca_id=r.choice(person["legacy"]) if person["legacy"] and self.chance(.2) else "")
                    if self.chance(.12):
                        row["tenant"] = ""
                if self.chance(.03):
                    clerk, mates = r.choice(self.clerks["TT"]), self.names[r.choice(LOCALES[person["region"]])[0]]
                    guest = dict(first=self.pick(mates[r.randrange(2)]), last=self.pick(mates[2]))
                    first, last = self.written_name(guest, clerk)
                    self.record("TT", person, self.people_wanted * 2 + len(self.rows), email=self.written_mail(person, .3, .05),
                                phone=self.written_phone(person, clerk, .4, .05), first_name=first, last_name=last)
            if self.chance(.7):
                for _ in range(r.choices([1, 2, 3], [94, 5, 1])[0]):
                    clerk = r.choice(self.clerks["MSG"])
                    email, phone = self.written_mail(person, .07, .12), self.written_phone(person, clerk, .3, .12)
                    for _ in range(2 if self.chance(.015) else 1):
                        if email or phone:
                            self.record("MSG", person, person["id"], email=email, phone=phone, auth_user_id=person["login"] if self.chance(.6) else "")
        return self.rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--people", type=int, default=24_000)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--shared", action="store_true")
    options = parser.parse_args()
    write(options.out, Population(options.people, options.seed, options.shared).fill())
