-- Rules of a pool that come before the built-in ones, as their author wrote them. Null: none. They are under the row's MAC.
alter table pools add column failure_rules text;
