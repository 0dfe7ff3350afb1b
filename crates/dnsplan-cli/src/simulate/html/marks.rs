//! What the marks in the swim lanes look like: one shape a family of kinds. Shapes tell them apart, colour only helps.

use maud::{Markup, html};

/// What an entry is drawn as.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Mark {
    Published,
    Wrote,
    Confirmed,
    Cleaned,
    Answered,
    Trouble,
    Resumed,
    Told,
    Race,
    Refused,
    Broken,
    Other,
}

impl Mark {
    pub(super) const ALL: [Self; 12] = [
        Self::Published,
        Self::Wrote,
        Self::Confirmed,
        Self::Cleaned,
        Self::Answered,
        Self::Trouble,
        Self::Resumed,
        Self::Told,
        Self::Race,
        Self::Refused,
        Self::Broken,
        Self::Other,
    ];

    /// The mark of an entry of this kind; a kind that is not known here is something else.
    pub(super) fn of(kind: &str) -> Self {
        match kind {
            "published" | "burst" | "reissued" => Self::Published,
            "bootstrapped" | "staged" | "flipped" | "wrote" | "applied" | "repaired" => Self::Wrote,
            "confirmed" | "overtook" | "rested" | "kept" | "went-on" | "settled" => Self::Confirmed,
            "floor-raised" | "reaped" | "pruned" => Self::Cleaned,
            "answered" => Self::Answered,
            "delayed" | "stalled" | "crashed" | "lost" | "reply-lost" | "doubled" | "throttled" | "cut"
            | "stuck" | "store-trouble" | "failed" | "frozen" | "target-ahead" | "rewound" => Self::Trouble,
            "arrived" | "woke" | "restarted" | "healed" => Self::Resumed,
            "refused" | "no-permit" | "rejected" | "too-many-rejected" | "guarded" | "quarantined" => {
                Self::Told
            }
            "broken" => Self::Broken,
            _ => Self::Other,
        }
    }

    /// Whether it is worth a word beside the mark.
    pub(super) const fn is_loud(self) -> bool {
        matches!(self, Self::Trouble | Self::Resumed | Self::Told | Self::Broken)
    }

    const fn key(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Wrote => "wrote",
            Self::Confirmed => "confirmed",
            Self::Cleaned => "cleaned",
            Self::Answered => "answered",
            Self::Trouble => "trouble",
            Self::Resumed => "resumed",
            Self::Told => "told",
            Self::Race => "race",
            Self::Refused => "refused",
            Self::Broken => "broken",
            Self::Other => "other",
        }
    }

    const fn legend(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Wrote => "put in place",
            Self::Confirmed => "confirmed, at rest",
            Self::Cleaned => "cleaned up",
            Self::Answered => "client answered",
            Self::Trouble => "fault, delay, crash",
            Self::Resumed => "woke up, arrived late",
            Self::Told => "told that it was refused",
            Self::Race => "lost a race for the same work",
            Self::Refused => "refused: for an older plan",
            Self::Broken => "seen broken",
            Self::Other => "something else",
        }
    }

    /// Paths around (0, 0), about 12 across, each with its class: `fill`, `line` (outline only), `ink` (on a fill).
    const fn shape(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Published => &[("M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0z", "fill")],
            Self::Wrote => &[("M0-6.5L6.5 0L0 6.5L-6.5 0z", "fill")],
            Self::Confirmed => &[("M-5.5-5.5h11v11h-11z", "fill"), ("M-3 0L-0.8 2.4L3.2-2.6", "ink")],
            Self::Cleaned => &[("M-5-5h10v10h-10z", "line"), ("M-2.5 0h5", "line")],
            Self::Answered => {
                &[("M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0z", "line"), ("M-0.5 0h1", "line")]
            }
            Self::Trouble => &[("M0-6.5L7 5.5h-14z", "fill"), ("M0-2.5v3.5M0 3.2v0.4", "ink")],
            Self::Resumed => &[("M-4.5-6L6 0L-4.5 6z", "fill")],
            Self::Told => {
                &[("M-2.7-6.5h5.4l3.8 3.8v5.4l-3.8 3.8h-5.4l-3.8-3.8v-5.4z", "line"), ("M-3 0h6", "line")]
            }
            Self::Race => &[("M-4-4L4 4M-4 4L4-4", "line")],
            Self::Refused => {
                &[("M-3.7-9h7.4l5.3 5.3v7.4l-5.3 5.3h-7.4l-5.3-5.3v-7.4z", "fill"), ("M-5 0h10", "ink bar")]
            }
            Self::Broken => &[("M-6.5-6.5L6.5 6.5M-6.5 6.5L6.5-6.5", "line heavy")],
            Self::Other => &[("M0-6v12", "line")],
        }
    }

    /// Where the mark's symbol is.
    pub(super) fn href(self) -> String {
        format!("#mark-{}", self.key())
    }

    /// The class of whatever uses the symbol; it sets the colour.
    pub(super) fn class(self) -> String {
        format!("mark {}", self.key())
    }
}

/// The symbols, to be put once into the page.
pub(super) fn symbols() -> Markup {
    html! {
        svg class="symbols" width="0" height="0" aria-hidden="true" focusable="false" {
            defs {
                @for mark in Mark::ALL {
                    g id={ "mark-" (mark.key()) } {
                        @for (path, class) in mark.shape() {
                            path class=(class) d=(path) {}
                        }
                    }
                }
                pattern id="hatch" width="6" height="6"
                    patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    path d="M0 0v6" {}
                }
            }
        }
    }
}

/// What the marks in use mean, and the dots of details where there are any.
pub(super) fn legend(marks: impl IntoIterator<Item = Mark>, has_dots: bool) -> Markup {
    html! {
        ul class="legend" {
            @for mark in marks {
                li {
                    svg width="20" height="20" viewBox="-10 -10 20 20" aria-hidden="true" {
                        use class=(mark.class()) href=(mark.href()) {}
                    }
                    (mark.legend())
                }
            }
            @if has_dots {
                li {
                    svg width="20" height="20" viewBox="-10 -10 20 20" aria-hidden="true" {
                        path class="dots" d="M-4 0h0M4 0h0" {}
                    }
                    "a detail"
                }
            }
        }
    }
}
