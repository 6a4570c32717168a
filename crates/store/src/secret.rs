//! Secrets of the tenant's own, such as the key by which Bedside signs what it asks an EHR for. Sealed; made once.

use bedside_core::access::Action;
use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::OpCtx;
use zeroize::Zeroizing;

use crate::audit::append_in;
use crate::backend::Val;
use crate::error::Error;
use crate::row;
use crate::store::Store;

impl Store {
    /// The secret of that name; made by `make` when there is none, and durable before it is returned. When two make it at once, both get
    /// the one that was first. For Bedside's own parts only.
    ///
    /// # Errors
    /// [`Error::Denied`], what `make` said, or what the database said.
    pub async fn secret(
        &self,
        ctx: &OpCtx,
        name: &str,
        make: fn() -> Result<Vec<u8>, Error>,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.guard(ctx, Action::Apply).await?;
        let (tenant, sealer) = (self.tenant().clone(), self.sealer().clone());
        let place = format!("secret/{name}");
        let wanted = place.clone();
        let found = self
            .read(move |tx| {
                let rows = tx.query(
                    "SELECT value FROM about WHERE tenant = $1 AND name = $2",
                    &[Val::Text(tenant.as_str()), Val::Text(&wanted)],
                )?;
                rows.first()
                    .map(|found| row::blob(found, 0).map(<[u8]>::to_vec))
                    .transpose()
            })
            .await?;
        let sealed = match found {
            Some(sealed) => sealed,
            None => {
                let made = Zeroizing::new(make()?);
                let sealed = sealer.seal("data", "about", &place, "value", &made)?;
                self.keep_secret(ctx, place.clone(), sealed).await?
            }
        };
        Ok(Zeroizing::new(
            sealer.open("data", "about", &place, "value", &sealed)?,
        ))
    }

    /// Keeps a sealed secret unless there is one already, and yields the one that is kept.
    async fn keep_secret(
        &self,
        ctx: &OpCtx,
        place: String,
        sealed: Vec<u8>,
    ) -> Result<Vec<u8>, Error> {
        let (tenant, sealer, now) = (self.tenant().clone(), self.sealer().clone(), ctx.now());
        let entry = Entry::new(ctx, "secret.make", AuditOutcome::Success).detail(place.as_str());
        self.write(move |tx| {
            let made = tx.execute(
                "INSERT INTO about (tenant, name, value) VALUES ($1, $2, $3) ON CONFLICT (tenant, name) DO NOTHING",
                &[
                    Val::Text(tenant.as_str()),
                    Val::Text(&place),
                    Val::Blob(&sealed),
                ],
            )?;
            if made == 1 {
                append_in(tx, &sealer, &tenant, std::slice::from_ref(&entry), now)?;
                return Ok(sealed.clone());
            }
            let rows = tx.query(
                "SELECT value FROM about WHERE tenant = $1 AND name = $2",
                &[Val::Text(tenant.as_str()), Val::Text(&place)],
            )?;
            Ok(row::blob(row::only(&rows)?, 0)?.to_vec())
        })
        .await
    }
}
