-- +goose Up

-- services has more bits: mcid (2: none, temporary, permanent, unanswered) above those of
-- before.
ALTER TABLE subscribers DROP CONSTRAINT subscribers_services_check;
ALTER TABLE subscribers ADD CONSTRAINT subscribers_services_check CHECK (services BETWEEN 0 AND 8191);

-- +goose Down

UPDATE subscribers SET services = services & 255, then_services = then_services & 255
    WHERE services > 255 OR then_services > 255;
ALTER TABLE subscribers DROP CONSTRAINT subscribers_services_check;
ALTER TABLE subscribers ADD CONSTRAINT subscribers_services_check CHECK (services BETWEEN 0 AND 255);
