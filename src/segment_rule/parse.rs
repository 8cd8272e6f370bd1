//! Reads a rule in any of its three dialects: canonical, `{combinator, rules}`, and `$and`/`{field: {"$gte": v}}`.

use serde_json::{Map, Value};

use crate::model::{ActivityCategory, Code as _};
use crate::segment_rule::error::{Place, RuleError, hint, shortened};
use crate::segment_rule::field::{Field, FieldKind};
use crate::segment_rule::operator::{Operator, ago, list, test, text, when};
use crate::segment_rule::rule::{
    ActivityTest, Aggregate, Condition, DateTest, Filter, ListTest, Node, NumberTest, Test, TextTest,
};
use crate::segment_rule::spelling::{SpelledOperator, spelled};
use crate::segment_rule::{MAX_CRITERIA, MAX_DEPTH, MAX_LEAVES};

/// A rule with its warnings.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// The rule.
    pub rule: Node,
    /// Warnings, each with its position.
    pub lints: Vec<String>,
}

/// Reads `CustomerSegment.criteria`. `combinator`, a column of the same row, joins the rules of a bare list.
pub fn parse(criteria: &str, combinator: Option<&str>) -> Result<Parsed, RuleError> {
    if criteria.len() > MAX_CRITERIA {
        return Err(Place::Root.error(format!("is longer than {MAX_CRITERIA} bytes")));
    }
    let value: Value = serde_json::from_str(criteria).map_err(|error| match error.to_string() {
        text if text.contains("recursion limit") => Place::Root.error(format!("is nested deeper than {MAX_DEPTH}")),
        _ => Place::Root.error(format!("is not valid JSON: line {}, column {}", error.line(), error.column())),
    })?;
    let mut reader = RuleReader { lints: Vec::new(), leaves: 0 };
    let rule = match &value {
        Value::Array(rules) => {
            let joined = Combinator::of(combinator.unwrap_or("AND"), &Place::Root)?;
            reader.group(joined, rules, &Place::Root, 1)?
        }
        Value::Object(keys) if keys.contains_key("rules") && !keys.contains_key("combinator") => {
            let joined = Combinator::of(combinator.unwrap_or("AND"), &Place::Root)?;
            reader.rules(keys, joined, &Place::Root, 1)?
        }
        _ => reader.node(&value, &Place::Root, 1)?,
    };
    Ok(Parsed { rule, lints: reader.lints })
}

#[derive(Clone, Copy)]
enum Combinator {
    All,
    Any,
}

impl Combinator {
    fn of(text: &str, place: &Place<'_>) -> Result<Self, RuleError> {
        match text.trim().to_ascii_lowercase().as_str() {
            "and" | "all" => Ok(Self::All),
            "or" | "any" => Ok(Self::Any),
            _ => Err(Place::Key(place, "combinator").error("must be AND or OR")),
        }
    }
}

struct RuleReader {
    lints: Vec<String>,
    leaves: usize,
}

type Keys = Map<String, Value>;

impl RuleReader {
    fn node(&mut self, value: &Value, place: &Place<'_>, depth: usize) -> Result<Node, RuleError> {
        if depth > MAX_DEPTH {
            return Err(place.error(format!("is nested deeper than {MAX_DEPTH}")));
        }
        let Value::Object(keys) = value else { return Err(place.error("must be an object")) };
        let marks = ["all", "any", "and", "or", "not", "rules", "field", "activity", "segment"];
        let mut found = marks.into_iter().filter(|mark| keys.contains_key(*mark));
        let mark = found.next();
        // `{combinator, rules, not}` is one node of a rule builder, not two.
        let second = if mark == Some("not") && keys.contains_key("rules") { None } else { found.next() };
        if let (Some(first), Some(second)) = (mark, second) {
            return Err(place.error(format!("is both {first:?} and {second:?}")));
        }
        match mark {
            Some(mark @ ("all" | "any" | "and" | "or")) => {
                self.known(keys, &[mark], place)?;
                let joined = Combinator::of(mark, place)?;
                let place = Place::Key(place, mark);
                self.group(joined, elements(&keys[mark], &place)?, &place, depth)
            }
            Some("not") if !keys.contains_key("rules") => {
                self.known(keys, &["not"], place)?;
                Ok(Node::Not(Box::new(self.node(&keys["not"], &Place::Key(place, "not"), depth + 1)?)))
            }
            Some("not" | "rules") => {
                let combinator = keys.get("combinator").map_or(Ok("AND"), |value| {
                    value.as_str().ok_or_else(|| Place::Key(place, "combinator").error("must be AND or OR"))
                })?;
                self.rules(keys, Combinator::of(combinator, place)?, place, depth)
            }
            Some("field") => self.field(keys, place),
            Some("activity") => self.activity(keys, place),
            Some("segment") => self.member(keys, place),
            _ => self.document(keys, place, depth),
        }
    }

    fn known(&self, keys: &Keys, known: &[&str], place: &Place<'_>) -> Result<(), RuleError> {
        // Rule builders add an `id` to their nodes.
        match keys.keys().find(|key| *key != "id" && !known.contains(&key.as_str())) {
            None => Ok(()),
            Some(strange) => {
                let near = hint(strange, known.iter().copied());
                Err(Place::Key(place, strange).error(format!("is not an allowed key{near}")))
            }
        }
    }

    fn rules(&mut self, keys: &Keys, joined: Combinator, place: &Place<'_>, depth: usize) -> Result<Node, RuleError> {
        self.known(keys, &["combinator", "rules", "not"], place)?;
        let negated = match keys.get("not") {
            None | Some(Value::Bool(false) | Value::Null) => false,
            Some(Value::Bool(true)) => true,
            Some(_) => return Err(Place::Key(place, "not").error("must be true or false next to \"rules\"")),
        };
        let inner = Place::Key(place, "rules");
        let group = self.group(joined, elements(&keys["rules"], &inner)?, &inner, depth)?;
        Ok(if negated { Node::Not(Box::new(group)) } else { group })
    }

    fn group(&mut self, joined: Combinator, rules: &[Value], place: &Place<'_>, depth: usize) -> Result<Node, RuleError> {
        if rules.is_empty() {
            self.lint(
                place,
                if matches!(joined, Combinator::All) {
                    "is empty: matches every profile"
                } else {
                    "is empty: matches no profile"
                },
            );
        }
        let nodes = rules.iter().enumerate().map(|(index, rule)| self.node(rule, &Place::Index(place, index), depth + 1));
        let nodes = nodes.collect::<Result<Vec<_>, _>>()?;
        Ok(match joined {
            Combinator::All => Node::All(nodes),
            Combinator::Any => Node::Any(nodes),
        })
    }

    /// `{"$and": […], "field": {"$gte": v}, "other": v}`: all conditions must hold.
    fn document(&mut self, keys: &Keys, place: &Place<'_>, depth: usize) -> Result<Node, RuleError> {
        if keys.is_empty() {
            return Err(place.error("is empty; write {\"all\":[]} for everyone"));
        }
        let mut nodes = Vec::new();
        for (key, value) in keys {
            let place = Place::Key(place, key);
            nodes.push(match key.as_str() {
                "$and" => self.group(Combinator::All, elements(value, &place)?, &place, depth)?,
                "$or" => self.group(Combinator::Any, elements(value, &place)?, &place, depth)?,
                "$nor" => Node::Not(Box::new(self.group(Combinator::Any, elements(value, &place)?, &place, depth)?)),
                "$not" => Node::Not(Box::new(self.node(value, &place, depth + 1)?)),
                key if key.starts_with('$') => {
                    return Err(place.error(format!("is not an allowed key{}", hint(key, ["$and", "$or", "$not", "$nor"]))));
                }
                key => self.field_document(field(key, &place)?, value, &place, depth)?,
            });
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::All(nodes) })
    }

    /// `{"$gte": v, "$lt": w}`, or a plain value to be equal to.
    fn field_document(&mut self, field: Field, value: &Value, place: &Place<'_>, depth: usize) -> Result<Node, RuleError> {
        let operators = match value {
            Value::Object(operators) if operators.keys().any(|key| key.starts_with('$')) => operators,
            Value::Null => return self.leaf(field, Operator::IsNull.into(), None, place),
            value => return self.leaf(field, Operator::Eq.into(), Some(value), place),
        };
        if depth > MAX_DEPTH {
            return Err(place.error(format!("is nested deeper than {MAX_DEPTH}")));
        }
        if operators.contains_key("$regex") {
            spelled("regex", &Place::Key(place, "$regex"))?;
        }
        let mut nodes = Vec::new();
        for (key, value) in operators {
            let place = Place::Key(place, key);
            let operator = match (key.as_str(), value) {
                ("$eq", Value::Null) | ("$exists", Value::Bool(false)) => Operator::IsNull,
                ("$ne", Value::Null) | ("$exists", Value::Bool(true)) => Operator::IsNotNull,
                ("$not", _) => {
                    nodes.push(Node::Not(Box::new(self.field_document(field, value, &place, depth + 1)?)));
                    continue;
                }
                ("$ne", _) => Operator::Neq,
                ("$nin", _) => Operator::NotIn,
                ("$all", _) => Operator::HasAll,
                ("$in", _) if field.kind() == FieldKind::List => Operator::HasAny,
                (key, _) => {
                    nodes.push(self.leaf(field, spelled(key.strip_prefix('$').unwrap_or(key), &place)?, Some(value), &place)?);
                    continue;
                }
            };
            let takes_value = !matches!(operator, Operator::IsNull | Operator::IsNotNull);
            nodes.push(self.leaf(field, operator.into(), takes_value.then_some(value), &place)?);
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::All(nodes) })
    }

    fn field(&mut self, keys: &Keys, place: &Place<'_>) -> Result<Node, RuleError> {
        self.known(keys, &["field", "operator", "value", "valueSource"], place)?;
        if keys.get("valueSource").is_some_and(|source| *source != "value") {
            return Err(Place::Key(place, "valueSource").error("must be \"value\": two fields cannot be compared"));
        }
        let at = Place::Key(place, "field");
        let name = keys["field"].as_str().ok_or_else(|| at.error("must be a text"))?;
        let field = field(name, &at)?;
        self.leaf(field, operator(keys, place)?, keys.get("value"), place)
    }

    fn leaf(
        &mut self,
        field: Field,
        SpelledOperator { operator, is_opposite }: SpelledOperator,
        value: Option<&Value>,
        place: &Place<'_>,
    ) -> Result<Node, RuleError> {
        self.count(place)?;
        let test = test(field.kind(), operator, value, place)?;
        self.doubts(field, &test, place);
        let leaf = Node::Field(field, test);
        Ok(match is_opposite {
            true => Node::All(vec![Node::Field(field, Test::IsNotNull), Node::Not(Box::new(leaf))]),
            false => leaf,
        })
    }

    fn member(&mut self, keys: &Keys, place: &Place<'_>) -> Result<Node, RuleError> {
        self.known(keys, &["segment", "operator"], place)?;
        self.count(place)?;
        let segment = text(&keys["segment"], &Place::Key(place, "segment"))?;
        let at = Place::Key(place, "operator");
        match keys.get("operator").and_then(Value::as_str) {
            Some("memberOf") => Ok(Node::Member { segment, is_member: true }),
            Some("notMemberOf") => Ok(Node::Member { segment, is_member: false }),
            Some(other) => Err(at.error(format!("must be memberOf or notMemberOf{}", hint(other, ["memberOf", "notMemberOf"])))),
            None => Err(at.error("must be memberOf or notMemberOf")),
        }
    }

    fn activity(&mut self, keys: &Keys, place: &Place<'_>) -> Result<Node, RuleError> {
        self.known(keys, &["activity", "aggregate", "operator", "value"], place)?;
        self.count(place)?;
        let filter = self.filter(&keys["activity"], &Place::Key(place, "activity"))?;
        let at = Place::Key(place, "aggregate");
        let aggregate = match keys.get("aggregate") {
            None => Aggregate::Count,
            Some(Value::String(text)) => aggregate(text, &at)?,
            Some(_) => return Err(at.error("must be a text")),
        };
        let test = test(FieldKind::Number, own_operator(keys, place)?, keys.get("value"), place)?;
        if let Test::Number(number) = &test {
            self.number_doubts(number, place);
        }
        Ok(Node::Activity(Box::new(ActivityTest { filter, aggregate, test })))
    }

    fn filter(&mut self, value: &Value, place: &Place<'_>) -> Result<Filter, RuleError> {
        let Value::Object(keys) = value else { return Err(place.error("must be an object")) };
        let known = ["type", "category", "channel", "sourceService", "clubId", "where", "window", "includeFuture"];
        self.known(keys, &known, place)?;
        let texts = |key: &str| match keys.get(key) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(single @ Value::String(_)) => Ok(vec![text(single, &Place::Key(place, key))?]),
            Some(several) => list(several, &Place::Key(place, key), text),
        };
        let mut filter = Filter {
            types: texts("type")?,
            categories: texts("category")?,
            channels: texts("channel")?,
            services: texts("sourceService")?,
            clubs: texts("clubId")?,
            include_future: match keys.get("includeFuture") {
                None | Some(Value::Null) => false,
                Some(Value::Bool(include)) => *include,
                Some(_) => return Err(Place::Key(place, "includeFuture").error("must be true or false")),
            },
            ..Filter::default()
        };
        let categories: Vec<&str> = ActivityCategory::ALL.iter().map(|category| category.code()).collect();
        if filter.categories.iter().any(|category| !categories.iter().any(|known| known.eq_ignore_ascii_case(category.trim()))) {
            let place = Place::Key(place, "category");
            self.lint(&place, &format!("names a category that no activity has ({})", categories.join(", ")));
        }
        if let Some(conditions) = keys.get("where") {
            let place = Place::Key(place, "where");
            for (index, condition) in elements(conditions, &place)?.iter().enumerate() {
                filter.conditions.push(self.condition(condition, &Place::Index(&place, index))?);
            }
        }
        if let Some(window) = keys.get("window") {
            self.window(window, &mut filter, &Place::Key(place, "window"))?;
        }
        Ok(filter)
    }

    fn window(&self, value: &Value, filter: &mut Filter, place: &Place<'_>) -> Result<(), RuleError> {
        let Value::Object(keys) = value else { return Err(place.error("must be an object")) };
        self.known(keys, &["withinLast", "from", "to"], place)?;
        let moment = |key: &str| keys.get(key).map(|value| when(value, &Place::Key(place, key))).transpose();
        filter.within_last = keys.get("withinLast").map(|value| ago(value, &Place::Key(place, "withinLast"))).transpose()?;
        filter.from = moment("from")?;
        filter.to = moment("to")?;
        if filter.within_last.is_some() && (filter.from.is_some() || filter.to.is_some()) {
            return Err(place.error("is both \"withinLast\" and \"from\" or \"to\""));
        }
        Ok(())
    }

    fn condition(&mut self, value: &Value, place: &Place<'_>) -> Result<Condition, RuleError> {
        let Value::Object(keys) = value else { return Err(place.error("must be an object")) };
        self.known(keys, &["path", "operator", "value"], place)?;
        self.count(place)?;
        let at = Place::Key(place, "path");
        let path = match keys.get("path") {
            Some(Value::String(dotted)) => path(dotted.split('.'), &at)?,
            Some(keys @ Value::Array(_)) => {
                let keys = list(keys, &at, text)?;
                path(keys.iter().map(String::as_str), &at)?
            }
            _ => return Err(at.error("must name a key of the metadata, such as \"players\"")),
        };
        let operator = own_operator(keys, place)?;
        let value = keys.get("value");
        let sample = match value {
            Some(Value::Array(values)) => values.first(),
            value => value,
        };
        let kind = match (operator, sample) {
            (Operator::Gt | Operator::Gte | Operator::Lt | Operator::Lte | Operator::Between, _)
            | (_, Some(Value::Number(_))) => FieldKind::Number,
            (_, Some(Value::Bool(_))) => FieldKind::Flag,
            _ => FieldKind::Text,
        };
        Ok(Condition { path, test: test(kind, operator, value, place)? })
    }

    fn count(&mut self, place: &Place<'_>) -> Result<(), RuleError> {
        self.leaves += 1;
        if self.leaves > MAX_LEAVES {
            return Err(place.error(format!("is more than the maximum of {MAX_LEAVES} conditions")));
        }
        Ok(())
    }

    fn lint(&mut self, place: &Place<'_>, what: &str) {
        self.lints.push(format!("{place} {what}"));
    }

    fn doubts(&mut self, field: Field, test: &Test, place: &Place<'_>) {
        match test {
            Test::Text(TextTest::OneOf { values, .. }) if values.is_empty() => self.lint(place, "compares with an empty list"),
            Test::Text(TextTest::OneOf { values, .. }) if field.kind() == FieldKind::Word => {
                let words = field.words();
                if values.iter().any(|value| !words.iter().any(|word| word.eq_ignore_ascii_case(value.trim()))) {
                    self.lint(place, &format!("compares with a word that {:?} never holds ({})", field.code(), words.join(", ")));
                }
            }
            Test::Text(TextTest::Contains { part, .. }) if part.trim().is_empty() => {
                self.lint(place, "searches for an empty text")
            }
            Test::Text(TextTest::StartsWith(part) | TextTest::EndsWith(part)) if part.trim().is_empty() => {
                self.lint(place, "searches for an empty text");
            }
            Test::List(ListTest::HasAny(values) | ListTest::HasAll(values) | ListTest::HasNone(values)) if values.is_empty() => {
                self.lint(place, "compares with an empty list");
            }
            Test::Number(number) => self.number_doubts(number, place),
            Test::IsNull if field.kind() == FieldKind::List => {
                self.lint(place, "tests whether a list is missing: matches no profile")
            }
            Test::Date(DateTest::Compare(crate::segment_rule::rule::Comparison::Eq, when))
                if field.kind() == FieldKind::Instant && !matches!(when, crate::segment_rule::rule::When::Day(_)) =>
            {
                self.lint(place, "tests one exact instant; \"on\" tests its day");
            }
            _ => {}
        }
        if field == Field::LifetimeValue || field == Field::MembershipExpiry {
            self.lint(place, &format!("tests {:?}, which no exported source has", field.code()));
        }
    }

    fn number_doubts(&mut self, test: &NumberTest, place: &Place<'_>) {
        match test {
            NumberTest::Between(from, to) if from > to => {
                self.lint(place, "is a range from a larger to a smaller number: matches no profile")
            }
            NumberTest::OneOf { values, .. } if values.is_empty() => self.lint(place, "compares with an empty list"),
            _ => {}
        }
    }
}

fn elements<'a>(value: &'a Value, place: &Place<'_>) -> Result<&'a [Value], RuleError> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| place.error("must be a list"))
}

fn operator(keys: &Keys, place: &Place<'_>) -> Result<SpelledOperator, RuleError> {
    let at = Place::Key(place, "operator");
    match keys.get("operator") {
        Some(Value::String(text)) => spelled(text, &at),
        Some(_) => Err(at.error("must be a text")),
        None => Err(at.error("is missing")),
    }
}

/// The operator of a condition on activities.
fn own_operator(keys: &Keys, place: &Place<'_>) -> Result<Operator, RuleError> {
    let SpelledOperator { operator, is_opposite } = operator(keys, place)?;
    if is_opposite {
        let what = format!("the opposite of {:?} is written {{\"not\": …}} here", operator.code());
        return Err(Place::Key(place, "operator").error(what));
    }
    Ok(operator)
}

fn field(name: &str, place: &Place<'_>) -> Result<Field, RuleError> {
    Field::from_code(name).ok_or_else(|| {
        let near = hint(name, Field::ALL.iter().map(|field| field.code()));
        place.error(format!("{:?} is not a field{near}", shortened(name)))
    })
}

/// The keys of a path into nested objects. Positions in lists are not supported.
fn path<'a>(keys: impl Iterator<Item = &'a str>, place: &Place<'_>) -> Result<Vec<String>, RuleError> {
    let keys: Vec<String> = keys.map(str::to_owned).collect();
    let is_position = |key: &str| key.parse::<i64>().is_ok();
    if keys.is_empty()
        || keys.len() > MAX_DEPTH
        || keys.iter().any(|key| key.is_empty() || key.contains('\0') || is_position(key))
    {
        return Err(place.error("must be keys of the metadata joined by points; positions of lists are not supported"));
    }
    Ok(keys)
}

fn aggregate(text: &str, place: &Place<'_>) -> Result<Aggregate, RuleError> {
    let (name, argument) = text.split_once(':').map_or((text, None), |(name, path)| (name, Some(path)));
    let at = |argument: Option<&str>| match argument {
        Some(dotted) => path(dotted.split('.'), place),
        None => Err(place.error(format!("{name:?} needs a path, such as \"{name}:players\""))),
    };
    let plain = |aggregate: Aggregate| match argument {
        None => Ok(aggregate),
        Some(_) => Err(place.error(format!("{name:?} does not take a path"))),
    };
    match name {
        "count" => plain(Aggregate::Count),
        "distinctDays" => plain(Aggregate::DistinctDays),
        "daysSinceLast" => plain(Aggregate::DaysSinceLast),
        "daysSinceFirst" => plain(Aggregate::DaysSinceFirst),
        "countDistinct" => Ok(Aggregate::CountDistinct(at(argument)?)),
        "sum" => Ok(Aggregate::Sum(at(argument)?)),
        "avg" => Ok(Aggregate::Avg(at(argument)?)),
        "min" => Ok(Aggregate::Min(at(argument)?)),
        "max" => Ok(Aggregate::Max(at(argument)?)),
        other => {
            let known = ["count", "countDistinct", "distinctDays", "sum", "avg", "min", "max", "daysSinceLast", "daysSinceFirst"];
            Err(place.error(format!("{:?} is not an aggregate{}", shortened(other), hint(other, known))))
        }
    }
}
