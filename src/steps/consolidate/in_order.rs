//! Work on all cores whose results are needed in order.

use std::sync::mpsc::sync_channel;

use anyhow::Result;
use rayon::prelude::*;

/// Things that are worked on at once, while as many are handed on; affects memory, never the result.
fn at_once() -> usize {
    rayon::current_num_threads()
}

/// Works on some things at once, and hands the results on in order while the next ones are worked on.
pub fn in_order<I: Send, O: Send>(
    mut items: impl Iterator<Item = Result<I>> + Send,
    work: impl Fn(I) -> Result<O> + Sync,
    mut sink: impl FnMut(O) -> Result<()>,
) -> Result<()> {
    let (sender, receiver) = sync_channel::<Result<Vec<O>>>(0);
    std::thread::scope(|scope| {
        let work = &work;
        scope.spawn(move || {
            loop {
                let group: Result<Vec<I>> = items.by_ref().take(at_once()).collect();
                let done = group.and_then(|group| group.into_par_iter().map(work).collect::<Result<Vec<O>>>());
                let is_last = done.as_ref().map_or(true, Vec::is_empty);
                if sender.send(done).is_err() || is_last {
                    return;
                }
            }
        });
        for group in receiver {
            group?.into_iter().try_for_each(&mut sink)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_what_they_were_made_of() {
        let mut found = Vec::new();
        let push = |number| {
            found.push(number);
            Ok(())
        };
        in_order((0..100).map(Ok), |number: u32| Ok(2 * number), push).unwrap();
        assert_eq!(found, (0..100).map(|number| 2 * number).collect::<Vec<_>>());
    }

    #[test]
    fn the_first_failure_ends_it_wherever_it_comes_from() {
        let fail = |at: u32| move |number: u32| if number == at { Err(anyhow::anyhow!("{number}")) } else { Ok(number) };
        let taken = in_order((0..100).map(fail(7)), Ok, |_| Ok(())).unwrap_err();
        let worked = in_order((0..100).map(Ok), fail(8), |_| Ok(())).unwrap_err();
        let sunk = in_order((0..100).map(Ok), Ok, |number| fail(9)(number).map(drop)).unwrap_err();
        assert_eq!([taken, worked, sunk].map(|error| error.to_string()), ["7", "8", "9"]);
    }
}
