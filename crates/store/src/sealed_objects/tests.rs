//! Sealed objects: ranges, damage, swapped paths.

use object_store::memory::InMemory;

use super::*;
use crate::{FaultyFileSystem, KeyRing};

fn store() -> (Arc<InMemory>, SealedObjects) {
    let disk = FaultyFileSystem::new();
    let ring = KeyRing::create(&disk, std::path::Path::new("/key")).unwrap();
    let keys = DatabaseKeys::create(&disk, std::path::Path::new("/keys"), &ring).unwrap();
    let inner = Arc::new(InMemory::new());
    (Arc::clone(&inner), SealedObjects::new(inner, keys))
}

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index * 31 % 251) as u8).collect()
}

async fn raw(inner: &InMemory, path: &Path) -> Vec<u8> {
    inner.get(path).await.unwrap().bytes().await.unwrap().to_vec()
}

#[tokio::test]
async fn reads_back_any_range_of_any_length() {
    let (_, store) = store();
    for length in [0_usize, 1, 100, 4095, 4096, 4097, 8192, 20_000] {
        let path = Path::from(format!("a/{length}"));
        let plain = content(length);
        store.put(&path, plain.clone().into()).await.unwrap();
        assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), plain);
        assert_eq!(store.head(&path).await.unwrap().size, length as u64);
        let borders = [0, 1, 4095, 4096, 4097, 8192, length.saturating_sub(1), length];
        for start in borders.into_iter().filter(|start| *start < length) {
            for end in borders.into_iter().filter(|end| *end > start && *end <= length) {
                let got = store.get_range(&path, start as u64..end as u64).await.unwrap();
                assert_eq!(got, plain[start..end], "{start}..{end} of {length}");
            }
        }
    }
    let sizes: Vec<_> = store.list(None).map(|meta| meta.unwrap().size).collect().await;
    assert_eq!(sizes.iter().sum::<u64>(), 1 + 100 + 4095 + 4096 + 4097 + 8192 + 20_000);
}

#[tokio::test]
async fn uploads_in_parts_of_any_length() {
    let (_, store) = store();
    let (path, plain) = (Path::from("parts"), content(30_000));
    for part_length in [1000, 4096, 7000, 12_288, 30_000] {
        let mut upload = store
            .put_multipart_opts(&path, PutMultipartOptions::default())
            .await
            .unwrap();
        for part in plain.chunks(part_length) {
            upload.put_part(part.to_vec().into()).await.unwrap();
        }
        upload.complete().await.unwrap();
        assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), plain);
    }
}

#[tokio::test]
async fn refuses_every_flipped_bit_and_every_truncation_by_name() {
    let (inner, store) = store();
    let path = Path::from("dir/object");
    store.put(&path, content(9000).into()).await.unwrap();
    let sealed = raw(&inner, &path).await;
    for position in (0..80).chain((80..sealed.len()).step_by(61)) {
        let mut changed = sealed.clone();
        changed[position] ^= 1;
        inner.put(&path, changed.into()).await.unwrap();
        let error = match store.get(&path).await {
            Ok(result) => result.bytes().await.expect_err(&format!("byte {position}")),
            Err(error) => error,
        };
        assert!(
            error.to_string().contains("`dir/object` is damaged"),
            "byte {position}: {error}"
        );
    }
    for length in [0, 63, 64, 100, 64 + 4112, 64 + 2 * 4112, sealed.len() - 1] {
        inner.put(&path, sealed[..length].to_vec().into()).await.unwrap();
        assert!(store.get(&path).await.is_err(), "cut to {length}");
    }
    assert_eq!(store.damage().unwrap().object, "dir/object");
}

#[tokio::test]
async fn refuses_an_object_at_another_path_and_seals_again_when_it_copies() {
    let (inner, store) = store();
    let (first, second) = (Path::from("first"), Path::from("second"));
    store.put(&first, content(5000).into()).await.unwrap();
    store.put(&second, content(5000).into()).await.unwrap();
    assert_ne!(raw(&inner, &first).await, raw(&inner, &second).await);
    inner.copy(&first, &second).await.unwrap();
    assert!(
        store
            .get(&second)
            .await
            .unwrap_err()
            .to_string()
            .contains("`second` is damaged")
    );
    store.copy(&first, &second).await.unwrap();
    assert_eq!(store.get(&second).await.unwrap().bytes().await.unwrap(), content(5000));
    assert!(matches!(
        store.copy_if_not_exists(&first, &second).await,
        Err(object_store::Error::AlreadyExists { .. })
    ));
    store.rename(&first, &Path::from("third")).await.unwrap();
    assert_eq!(
        store.get(&Path::from("third")).await.unwrap().bytes().await.unwrap(),
        content(5000)
    );
}

#[tokio::test]
async fn keeps_the_conditions_of_puts() {
    let (_, store) = store();
    let path = Path::from("conditional");
    let create = || PutOptions::from(PutMode::Create);
    let put = store.put_opts(&path, content(10).into(), create()).await.unwrap();
    let again = store.put_opts(&path, content(10).into(), create()).await;
    assert!(matches!(again, Err(object_store::Error::AlreadyExists { .. })));
    let update = |put: PutResult| PutOptions::from(PutMode::Update(put.into()));
    let stale = put.clone();
    store.put_opts(&path, content(20).into(), update(put)).await.unwrap();
    let refused = store.put_opts(&path, content(30).into(), update(stale)).await;
    assert!(matches!(refused, Err(object_store::Error::Precondition { .. })));
    assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), content(20));
}
