//! Sankey diagram of the outcomes of rows: the widths of bands are counts, so that a lost row would be visible.

use super::{ChartWidth, at, count, escape, rectangle, svg, text};

/// A band from a node of one column to a node of the next.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Column of its start node, from 0.
    pub stage: usize,
    /// Start node.
    pub from: String,
    /// End node.
    pub to: String,
    /// Number of rows.
    pub value: i64,
    /// Colour class.
    pub class: &'static str,
}

struct FlowNode {
    stage: usize,
    name: String,
    value: i64,
    y: f64,
    height: f64,
    left_used: f64,
    right_used: f64,
}

const HEIGHT: f64 = 360.0;
const BAR: f64 = 14.0;
const GAP: f64 = 16.0;

/// Bands between columns of nodes, in the order of the flows. Widths are to scale, with a minimum; the true number is in the
/// tooltip.
pub fn sankey(title: &str, width: ChartWidth, flows: &[Flow]) -> String {
    let flows: Vec<&Flow> = flows.iter().filter(|flow| flow.value > 0).collect();
    let mut nodes = nodes(&flows);
    let stages = nodes.iter().map(|node| node.stage).max().map_or(0, |stage| stage + 1);
    if stages < 2 {
        return svg(title, width, 30.0, &text(10.0, 20.0, "note", "no rows yet"));
    }
    let scale = scale(&nodes, stages);
    place(&mut nodes, stages, scale);
    let label = if width.is_narrow() { 94.0 } else { 150.0 };
    let column = |stage: usize| label + (width.pixels() - 2.0 * label - BAR) * stage as f64 / (stages - 1) as f64;
    let mut body = String::new();
    for flow in &flows {
        let thick = flow.value as f64 * scale;
        let (Some(a), Some(b)) = (find(&nodes, flow.stage, &flow.from), find(&nodes, flow.stage + 1, &flow.to)) else { continue };
        let (x0, x1) = (column(flow.stage) + BAR, column(flow.stage + 1));
        let (y0, y1) = (nodes[a].y + nodes[a].right_used + thick / 2.0, nodes[b].y + nodes[b].left_used + thick / 2.0);
        nodes[a].right_used += thick;
        nodes[b].left_used += thick;
        let middle = (x0 + x1) / 2.0;
        body += &format!(
            "<path d=\"M{} {} C{m} {} {m} {} {} {}\" class=\"flow {}\" stroke-width=\"{}\"><title>{} → {}: {}</title></path>",
            at(x0),
            at(y0),
            at(y0),
            at(y1),
            at(x1),
            at(y1),
            flow.class,
            at(thick.max(1.0)),
            escape(&flow.from),
            escape(&flow.to),
            count(flow.value),
            m = at(middle),
        );
    }
    for node in &nodes {
        let x = column(node.stage);
        body += &rectangle(x, node.y, BAR, node.height.max(1.5), "node", &format!("{}: {}", node.name, count(node.value)));
        let (x, class) = match node.stage {
            0 => (x - 8.0, "end"),
            stage if stage + 1 == stages => (x + BAR + 8.0, ""),
            _ => (x + BAR + 6.0, ""),
        };
        let y = node.y + node.height / 2.0;
        body += &text(x, y - 1.0, class, &node.name);
        body += &text(x, y + 12.0, &format!("number {class}"), &count(node.value));
    }
    let bottom = nodes.iter().map(|node| node.y + node.height).fold(0.0, f64::max);
    svg(title, width, bottom + 20.0, &body)
}

fn nodes(flows: &[&Flow]) -> Vec<FlowNode> {
    let mut nodes: Vec<FlowNode> = Vec::new();
    let enter = |stage: usize, name: &str, nodes: &mut Vec<FlowNode>| {
        find(nodes, stage, name).unwrap_or_else(|| {
            let name = name.to_owned();
            nodes.push(FlowNode { stage, name, value: 0, y: 0.0, height: 0.0, left_used: 0.0, right_used: 0.0 });
            nodes.len() - 1
        })
    };
    for flow in flows {
        let from = enter(flow.stage, &flow.from, &mut nodes);
        if flow.stage == 0 {
            nodes[from].value += flow.value;
        }
        let to = enter(flow.stage + 1, &flow.to, &mut nodes);
        nodes[to].value += flow.value;
    }
    nodes
}

fn find(nodes: &[FlowNode], stage: usize, name: &str) -> Option<usize> {
    nodes.iter().position(|node| node.stage == stage && node.name == name)
}

/// Length per row, from the column with the most rows.
fn scale(nodes: &[FlowNode], stages: usize) -> f64 {
    let column = |stage: usize| {
        let held: Vec<&FlowNode> = nodes.iter().filter(|node| node.stage == stage).collect();
        let total: i64 = held.iter().map(|node| node.value).sum();
        (HEIGHT - GAP * held.len() as f64) / total.max(1) as f64
    };
    (0..stages).map(column).fold(f64::MAX, f64::min)
}

fn place(nodes: &mut [FlowNode], stages: usize, scale: f64) {
    for stage in 0..stages {
        let mut y = 8.0;
        for node in nodes.iter_mut().filter(|node| node.stage == stage) {
            node.height = node.value as f64 * scale;
            node.y = y;
            // The two lines of a label need space even if the node is very thin.
            y += node.height.max(14.0) + GAP;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inflow_of_a_node_equals_its_outflow() {
        let flow =
            |stage, from: &str, to: &str, value| Flow { stage, from: from.to_owned(), to: to.to_owned(), value, class: "s1" };
        let flows = [flow(0, "a", "x", 60), flow(0, "b", "x", 40), flow(1, "x", "end", 100)];
        let refs: Vec<&Flow> = flows.iter().collect();
        let held = nodes(&refs);
        let value = |name: &str| held.iter().find(|node| node.name == name).unwrap().value;
        assert_eq!((value("a"), value("b"), value("x"), value("end")), (60, 40, 100, 100));
        assert!(sankey("rows", ChartWidth::Wide, &flows).contains("x: 100"));
    }

    #[test]
    fn an_empty_chart_says_so() {
        assert!(sankey("rows", ChartWidth::Narrow, &[]).contains("no rows yet"));
    }
}
